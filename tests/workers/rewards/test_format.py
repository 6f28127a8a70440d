"""Format: by hand, and patterns that explode or are none."""

from typing import Any

import pytest

from tests.workers.scored import scored


@pytest.mark.parametrize(
    ("text", "params", "value"),
    [
        ("12+35=47;47-8=39#39", {}, 1.0),
        ("two lines\n# -5 ", {}, 1.0),
        ("39", {}, 0.0),
        ("#39 and more", {}, 0.0),
        ("#39 and more", {"match": "anywhere"}, 1.0),
        ("#1#2", {}, 0.0),
        ("<think>a\nb</think>7", {"pattern": "<think>.*</think>[0-9]+"}, 1.0),
        ("", {"pattern": "a*"}, 1.0),
    ],
)
def test_by_hand(text: str, params: dict[str, Any], value: float) -> None:
    assert scored("format", [text], **params) == [value]


def test_what_is_no_pattern_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"pattern is not a regular expression: .*unterminated"):
        scored("format", ["a"], pattern="(a")


def test_a_pattern_that_explodes_is_stopped() -> None:
    """Repeats inside repeats would take longer than the universe is old on this text."""
    with pytest.raises(ValueError, match="avoid repeats inside repeats"):
        scored("format", ["a" * 60 + "b"], pattern="(a|aa|a?a)+(a|aa)+c\\Z")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("39", {"whole", "start", "end", "anywhere"}),
        ("39 a", {"start", "anywhere"}),
        ("a 39", {"end", "anywhere"}),
        ("a 39 a", {"anywhere"}),
        ("39\n", {"start", "anywhere"}),
        ("a", set()),
    ],
)
def test_where_it_may_stand(text: str, found: set[str]) -> None:
    for pattern in (r"\d\d|\d", "(?x) [0-9]{2} # two digits"):
        for match in ("whole", "start", "end", "anywhere"):
            assert scored("format", [text], pattern=pattern, match=match) == [float(match in found)], (pattern, match)
