"""Gated accumulation: the catalogue's numbers, and gates by a plain loop."""

from itertools import product

import pytest
import torch

from tests.workers.combining.told import dense, told
from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts
from workers.combining.g_ra import combine
from workers.contract.values import Span, Values, valid

OUTCOMES, STEPS = (1.0, 0.0, -0.5, -0.5), (0.4, 0.8, 1.6, 1.2)
ADDED, GATED = [1.4, 0.8, 1.1, 0.7], [1.0 + 0.4, 0.0, -0.5, -0.5]
LEVELS = (told(0.5, 0.5, 0.5, 0.5), told(0.6, 0.2, 0.6, 0.6), told(1.0, 1.0, 0.0, -0.2))


def two(delta: str = "0.0", **params: bool) -> list[float | None]:
    return list(combine([told(*STEPS), told(*OUTCOMES)], delta=delta, **params).total)


def test_two_levels_by_hand() -> None:
    assert two("-inf") == pytest.approx(ADDED)
    assert two() == pytest.approx(GATED)
    assert two("inf") == pytest.approx(OUTCOMES)
    assert two(strict=False) == pytest.approx([1.4, 0.8, -0.5, -0.5])
    assert two("-0.25") == pytest.approx([1.4, 0.8, -0.5, -0.5])


@pytest.mark.parametrize(
    ("delta", "advantages"),
    [
        ("-inf", [1.264907, -0.632454, 0.316227, -0.948680]),
        ("0.0", [1.447424, -0.111340, -0.668042, -0.668042]),
    ],
)
def test_what_a_group_makes_of_it(delta: str, advantages: list[float]) -> None:
    """The third never submits: added up it is rewarded, gated it is punished."""
    batch = rollouts(["A"] * 4)
    rewards = [value for value in two(delta) if value is not None]
    found = run_credit("grpo", batch, reward_NT=outcome(batch, rewards)).advantage_NT[:, 0]
    torch.testing.assert_close(found, torch.tensor(advantages), atol=1e-6, rtol=0)


def test_three_levels_by_hand() -> None:
    assert list(combine(LEVELS, delta="0.3, 0").total) == pytest.approx([2.1, 1.2, 0.0, -0.2])


def test_infinite_thresholds_are_plain_adding_and_the_outcome_alone() -> None:
    assert list(combine(LEVELS, delta="-inf").total) == pytest.approx([2.1, 1.7, 1.1, 0.9])
    assert list(combine(LEVELS, delta="inf, inf").total) == pytest.approx([1.0, 1.0, 0.0, -0.2])


GRID = (-0.7, -0.2, 0.0, 0.3, 1.0)


def test_each_level_counts_where_all_above_it_passed() -> None:
    for low, middle, high, first, second in product((0.5,), GRID, GRID, GRID, GRID):
        wanted = high + (middle if high > second else 0.0)
        wanted += low if high > second and middle > first else 0.0
        made = combine([told(low), told(middle), told(high)], delta=f"{first},{second}")
        assert made.total[0] == pytest.approx(wanted)


def test_a_higher_threshold_never_adds_a_level() -> None:
    for outcomes in GRID:
        found = valid(combine([told(0.5), told(outcomes)], delta=str(delta)).total[0] for delta in GRID)
        assert found == sorted(found, reverse=True)
        assert max(found) <= 0.5 + outcomes


@pytest.mark.parametrize(("delta", "counted"), [("0.0", False), ("-1.0", True)])
def test_what_stands_at_turns_is_the_whole(delta: str, counted: bool) -> None:
    last = Values([-0.5], spans={0: (Span(2, 3, -0.5, "token"),)})
    made = combine([dense((0.1, 0.2, 0.3)), dense((0.4, 0.0, 0.5)), last], delta=delta)
    values = [span.value for span in made.dense(0)]
    assert sum(values) == pytest.approx(made.total[0])
    assert len(values) == (7 if counted else 1)


def test_a_soft_gate_opens_along_a_sigmoid() -> None:
    made = combine([dense((0.4, 0.4)), told(0.2)], delta="0.1", soft=0.1)
    assert made.total[0] == pytest.approx(0.2 + 0.8 * 0.731058579)
    assert [span.value for span in made.dense(0)] == pytest.approx([0.4 * 0.731058579] * 2)
    assert combine([told(1.0), told(0.2)], delta="inf", soft=0.1).total[0] == pytest.approx(0.2)
    assert combine([told(1.0), told(0.2)], delta="-inf", soft=0.1).total[0] == pytest.approx(1.2)


def test_a_level_that_does_not_apply_is_left_out() -> None:
    made = combine([told(0.5, 0.5, None), told(None, 1.0, None), told(1.0, None, None)], delta="0")
    assert list(made.total) == [1.5, 1.5, None]
    assert list(combine([told(0.5)]).total) == [0.5]


@pytest.mark.parametrize(("delta", "words"), [("0.3, x", "numbers"), ("nan", "NaN"), ("0, 0, 0", "2 levels")])
def test_thresholds_that_cannot_be_used(delta: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        combine(LEVELS, delta=delta)
