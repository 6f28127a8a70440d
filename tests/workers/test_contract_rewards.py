"""What every reward promises, tried on awkward texts over the whole catalogue."""

from math import isfinite
from typing import Any

import pytest

from tests.workers.stage import names, variants
from workers.contract.answers import CUT_OFF, FAILED, FINISHED, Answers
from workers.engine.load import call, load

EVERY = pytest.mark.parametrize(("name", "params"), variants("rewards"))
# text, length, end, reference, verdict
ROWS: tuple[tuple[str, int, str, Any, float | None], ...] = (
    ("12+35=47;47-8=39#39", 18, FINISHED, "39", 1.0),
    ("#39", 3, FINISHED, "39", 1.0),
    ("#39", 3, FINISHED, "39", 1.0),
    ("#41", 3, FINISHED, "39", 0.0),
    ("so it is so it is so it is so it is", 9000, CUT_OFF, "39", 0.0),
    ("", 0, FAILED, "39", None),
    ("#", 1, FINISHED, "", 0.0),
    ("\x00\ufffd\u0663\u0669 ٣٩ 🦆\r\n\t", 12, FINISHED, "39", 0.0),
    ("9" * 6000, 6000, CUT_OFF, "9" * 6000, 0.0),
    (r"\boxed{\frac{1}{0}} \boxed{9^{9^{9^{9}}}}", 30, FINISHED, "1", 0.0),
    ("A: 1,234.50 $", 8, FINISHED, 1234.5, 1.0),
    ("#39", 3, FINISHED, None, None),
    ("#" * 3000 + "(" * 3000, 6000, CUT_OFF, "(((", 0.0),
)


def answers(rows: tuple[tuple[str, int, str, Any, float | None], ...]) -> Answers:
    texts, lengths, ends, references, verdicts = zip(*rows, strict=True) if rows else ((),) * 5
    return Answers(texts, ("12+35-8=",) * len(texts), lengths, ends, {"answer": references}, verdicts)


def values(name: str, params: dict[str, object], rows: tuple[Any, ...] = ROWS) -> list[float | None]:
    found = call(load("rewards", name), {"answers": answers(rows)}, params)
    assert isinstance(found, list)
    return found


@EVERY
def test_one_finite_number_or_none_a_completion_within_its_range(name: str, params: dict[str, object]) -> None:
    low, high = load("rewards", name).bounds
    found = values(name, params)
    assert len(found) == len(ROWS)
    for value in found:
        assert value is None or (isinstance(value, float) and isfinite(value) and low <= value <= high)
    assert any(value is not None for value in found)


@EVERY
def test_the_order_does_not_matter(name: str, params: dict[str, object]) -> None:
    assert values(name, params, ROWS[::-1]) == values(name, params)[::-1]


@EVERY
def test_the_same_answer_earns_the_same_whoever_its_neighbours_are(name: str, params: dict[str, object]) -> None:
    together = values(name, params)
    assert together[1] == together[2]
    assert [values(name, params, (row,))[0] for row in ROWS] == together


@EVERY
def test_no_completions_no_rewards(name: str, params: dict[str, object]) -> None:
    assert values(name, params, ()) == []


@pytest.mark.parametrize("name", names("rewards"))
def test_it_tells_completions_apart(name: str) -> None:
    assert len(set(values(name, {}))) > 1


@pytest.mark.parametrize("name", names("rewards"))
def test_its_range_is_declared(name: str) -> None:
    low, high = load("rewards", name).bounds
    assert isfinite(low)
    assert isfinite(high)
    assert low < high
