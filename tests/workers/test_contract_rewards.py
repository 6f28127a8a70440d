"""What every reward promises, tried on awkward texts over the whole catalogue."""

from collections.abc import Callable
from dataclasses import replace
from math import isclose, isfinite
from typing import Any

import pytest

from tests.workers.stage import departs, names, variants
from tests.workers.standins import with_standins
from workers.contract.answers import CUT_OFF, FAILED, FINISHED, Answers
from workers.contract.card import Real
from workers.contract.rewardnode import LEAF, Node
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge
from workers.engine.load import load

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
    ('<think>so</think>\n<tool_call>\n{"name": "add", "parameters": {"a": 12}}\n</tool_call>', 30, FINISHED, "39", 0.0),
    ("<think>so</think><answer>[1, 2]</answer>", 12, FINISHED, "39", 0.0),
    ("```sql\nSELECT a FROM t WHERE b <> 'z'\n```", 12, FINISHED, "39", 0.0),
    ("```python\ndef f(x):\n    return x + 1\n```", 12, FINISHED, "39", 0.0),
)


FACILITIES = Facilities(seed=0, steps=10)
ORDER, ALIKE = "order does not matter", "same answer, same reward"
# Columns that single rewards ask for, the same for every row.
COLUMNS: dict[str, Any] = {
    "calls": [{"name": "add", "parameters": {"a": 12, "b": 35}}],
    "relevant": [1],
    "consensus": {"model-1": 1, "model-2": 5},
    "candidates": 2,
    "schema": "CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y');",
    "gold": "SELECT a FROM t",
    "tests": ["assert f(2) == 3", "assert f(0) > 0"],
}


def answers(rows: tuple[tuple[str, int, str, Any, float | None], ...]) -> Answers:
    texts, lengths, ends, references, verdicts = zip(*rows, strict=True) if rows else ((),) * 5
    columns = {"answer": references} | {name: (value,) * len(texts) for name, value in COLUMNS.items()}
    return Answers(texts, ("12+35-8=",) * len(texts), lengths, ends, columns, verdicts)


def values(
    name: str, params: dict[str, object], rows: tuple[Any, ...] = ROWS, *, held_out: bool = False, seed: int = 0
) -> list[float | None]:
    """What a run would get, with everything that the reward asks for; nothing may fail."""
    node = Node(LEAF, name, with_standins(load("rewards", name).method, params))
    made = make_judge(node, name, FACILITIES if seed == 0 else Facilities(seed, 10))
    try:
        found = made.judge(replace(answers(rows), held_out=held_out), 3)
    finally:
        made.close()
    assert not found.faults
    return list(found.total)


def _equal(first: list[float | None], second: list[float | None]) -> bool:
    """Equal up to the last digits, in which networks differ with the batch that a text is read in."""
    pairs = list(zip(first, second, strict=True))
    return all(a == b or (a is not None and b is not None and isclose(a, b, abs_tol=1e-5)) for a, b in pairs)


def _orderless(name: str, params: dict[str, object]) -> bool:
    return _equal(values(name, params, ROWS[::-1]), values(name, params)[::-1])


def _alike(name: str, params: dict[str, object]) -> bool:
    together = values(name, params)
    return together[1] == together[2] and _equal([values(name, params, (row,))[0] for row in ROWS], together)


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
    assert _orderless(name, params) or departs(load("rewards", name), ORDER)


@EVERY
def test_the_same_answer_earns_the_same_whoever_its_neighbours_are(name: str, params: dict[str, object]) -> None:
    assert _alike(name, params) or departs(load("rewards", name), ALIKE)


@pytest.mark.parametrize(("promise", "kept"), [(ORDER, _orderless), (ALIKE, _alike)])
def test_whoever_breaks_a_promise_on_purpose_does_break_it(
    promise: str, kept: Callable[[str, dict[str, object]], bool]
) -> None:
    for name in names("rewards"):
        if departs(load("rewards", name), promise):
            assert not all(kept(name, params) for one, params in variants("rewards") if one == name), name


@pytest.mark.parametrize("name", [one for one in names("rewards") if "generator" in load("rewards", one).method.needs])
def test_held_out_completions_are_scored_without_noise(name: str) -> None:
    """With every share half: whatever the seed, while what is learned from differs with it."""
    halves: dict[str, object] = {
        one.name: 0.5 for one in load("rewards", name).method.params if one.limit == Real(0, 1)
    }
    rows = tuple(ROWS[n % len(ROWS)] for n in range(50))
    learned, measured = (
        [values(name, halves, rows, held_out=held_out, seed=seed) for seed in range(8)] for held_out in (False, True)
    )
    assert all(one == measured[0] for one in measured)
    assert any(one != learned[0] for one in learned)


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
