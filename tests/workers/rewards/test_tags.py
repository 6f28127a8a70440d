"""Tags: by hand, in every position."""

from typing import Any

import pytest

from tests.workers.scored import scored

BOTH = "<think>so</think>\n<answer>39</answer>"


@pytest.mark.parametrize(
    ("text", "params", "value"),
    [
        (BOTH, {}, 1.0),
        (f"  {BOTH}\n", {}, 1.0),
        ("<think></think><answer></answer>", {}, 1.0),
        ("<think>so</think><answer> </answer>", {"filled": True}, 0.0),
        (BOTH, {"filled": True}, 1.0),
        ("<answer>39</answer><think>so</think>", {}, 0.0),  # the other way round
        ("<think><answer>39</answer></think>", {"position": "anywhere"}, 0.0),  # one within the other
        ("<think>so<answer>39</think></answer>", {"position": "anywhere"}, 0.0),  # across
        ("</think>so<think><answer>39</answer>", {"position": "anywhere"}, 0.0),  # closed before it opens
        (BOTH + BOTH, {"position": "anywhere"}, 0.0),  # twice
        (BOTH + "</answer>", {"position": "anywhere"}, 0.0),
        ("<think>so</think>39", {"position": "anywhere"}, 0.0),  # one is missing
        ("<Think>so</Think><answer>39</answer>", {}, 0.0),
        ("<think x>so</think><answer>39</answer>", {"position": "anywhere"}, 0.0),
        ("a" + BOTH + "b", {"position": "anywhere"}, 1.0),
        ("a" + BOTH, {"position": "anywhere"}, 1.0),
        ("", {"position": "anywhere"}, 0.0),
        ("<a.b-1>x</a.b-1>", {"names": "a.b-1"}, 1.0),
    ],
)
def test_by_hand(text: str, params: dict[str, Any], value: float) -> None:
    assert scored("tags", [text], **params) == [value]


@pytest.mark.parametrize(
    ("before", "between", "behind", "positions"),
    [
        ("", "", "", {"whole", "start", "end", "anywhere"}),
        ("a", "", "", {"end", "anywhere"}),
        ("", "", "a", {"start", "anywhere"}),
        ("", "a", "", {"start", "end", "anywhere"}),
        ("a", "", "a", {"anywhere"}),
        (" \n", "\t", " ", {"whole", "start", "end", "anywhere"}),
    ],
)
def test_what_may_stand_outside_depends_on_the_position(
    before: str, between: str, behind: str, positions: set[str]
) -> None:
    text = f"{before}<p>1</p>{between}<q>2</q>{behind}"
    for position in ("whole", "start", "end", "anywhere"):
        assert scored("tags", [text], names="p,q", position=position) == [float(position in positions)], position


@pytest.mark.parametrize("names", ["a b", "a,", "1a", "a,a", ",".join(f"t{n}" for n in range(21)), "a>"])
def test_names_that_are_none_are_refused(names: str) -> None:
    with pytest.raises(ValueError, match="name"):
        scored("tags", ["x"], names=names)
