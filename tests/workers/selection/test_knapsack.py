"""Knapsack: the catalogue's numbers, brute force, and the steps of the allocation one by one."""

from itertools import product
from typing import Any

import pytest

from tests.workers.chosen import ahead, select
from workers.engine.load import load

MODULE: Any = load("selection", "knapsack").module


def past(p: float, count: int = 20) -> list[float]:
    """Rewards of which a share `p` are 1."""
    return [1.0] * round(p * count) + [0.0] * (count - round(p * count))


def counts(rates: list[float], siblings: int, **params: object) -> list[int]:
    made = select("knapsack", params, prompts=ahead([past(p) for p in rates], siblings))
    assert made.count_P is not None
    return list(made.count_P.tolist())


def total(rates: list[float], split: list[int] | tuple[int, ...]) -> float:
    """The sum to be maximised, from the definition."""
    pairs = zip(rates, split, strict=True)
    return sum((1 - p**n - (1 - p) ** n) * p * (1 - p) ** 2 if n else 0.0 for p, n in pairs)


@pytest.mark.parametrize(
    ("p", "count", "worth"),
    [(0.5, 2, 0.0625), (0.5, 8, 0.124023), (0.1, 8, 0.046132), (0.9, 8, 0.005126), (0.1, 32, 0.078219)],
)
def test_values_of_the_catalogue(p: float, count: int, worth: float) -> None:
    assert MODULE.value(p, count) == pytest.approx(worth, abs=1e-6)


def test_the_chance_of_a_gradient_is_symmetric_and_the_value_is_not() -> None:
    def chance(p: float) -> float:
        return float(MODULE.value(p, 8) / (p * (1 - p) ** 2))

    assert chance(0.5) == pytest.approx(0.992188, abs=1e-6)
    assert chance(0.1) == pytest.approx(0.569533, abs=1e-6)
    assert chance(0.9) == pytest.approx(0.569533, abs=1e-6)
    assert MODULE.value(0.1, 8) > 8 * MODULE.value(0.9, 8)


def test_the_information_gain_peaks_at_a_third() -> None:
    """With 10,000 completions the chance of a gradient is 1, so the value is the gain."""
    gains = {p / 300: MODULE.value(p / 300, 10_000) for p in range(1, 300)}
    assert max(gains, key=lambda p: gains[p]) == pytest.approx(1 / 3)
    assert max(gains.values()) == pytest.approx(0.148148, abs=1e-6)


@pytest.mark.parametrize(
    ("p", "form", "needed"),
    [
        (0.5, "probability", 3.321928),
        (0.1, "probability", 21.854345),
        (0.02, "probability", 113.974086),
        (0.1, "expectation", 10.111111),
        (0.5, "expectation", 3.0),
    ],
)
def test_needs_of_the_catalogue(p: float, form: str, needed: float) -> None:
    assert MODULE.need(p, 0.9, form) == pytest.approx(needed, abs=1e-6)


@pytest.mark.parametrize("solver", ["dp", "greedy"])
def test_the_catalogues_four_prompts(solver: str) -> None:
    rates = [0.5, 0.1, 0.9, 0.05]
    split = counts(rates, 8, min_n=2, max_n=24, solver=solver)
    assert split == [7, 16, 2, 7]
    assert total(rates, split) == pytest.approx(0.204270, abs=1e-6)
    assert total(rates, [8] * 4) == pytest.approx(0.190470, abs=1e-6)


@pytest.mark.parametrize("solver", ["dp", "greedy"])
def test_the_catalogues_two_prompts(solver: str) -> None:
    rates = [0.25, 0.75]
    splits = {(2, 6): 0.091255, (3, 5): 0.114807, (4, 4): 0.127441, (5, 3): 0.133484, (6, 2): 0.133141}
    for split, worth in splits.items():
        assert total(rates, split) == pytest.approx(worth, abs=1e-6)
    # The form allows no max_n below 8, which is no bound here: four of eight are given out beyond the two each.
    assert counts(rates, 4, solver=solver) == [5, 3]


@pytest.mark.parametrize("rates", [[0.5, 0.1, 0.9], [0.05, 0.3, 0.35], [0.6, 0.65, 0.95], [0.15, 0.15, 0.8]])
@pytest.mark.parametrize("low", [1, 2, 3])
def test_no_other_split_is_worth_more(rates: list[float], low: int) -> None:
    """Brute force over all 18 completions of three prompts with at most 8 each."""
    best = max(total(rates, split) for split in product(range(low, 9), repeat=3) if sum(split) == 18)
    for solver in ("greedy", "dp"):
        split = counts(rates, 6, min_n=low, max_n=8, solver=solver)
        assert sum(split) == 18
        assert total(rates, split) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("solver", ["greedy", "dp", "uniform"])
def test_equal_rates_share_evenly(solver: str) -> None:
    assert sorted(counts([0.3] * 5, 7, solver=solver)) == [7] * 5
    odd = select("knapsack", {"solver": solver, "positive_n": 5}, prompts=ahead([past(0.3)] * 3 + [past(1.0)], 6))
    assert odd.count_P is not None
    assert sorted(odd.count_P.tolist()) == [5, 6, 6, 7]


def test_the_budget_is_always_spent() -> None:
    """Every mixture of prompts that were never met, never solved, always solved and in between."""
    for kinds in product([None, 0.0, 1.0, 0.5, 0.05], repeat=4):
        prompts = ahead([[] if p is None else past(p) for p in kinds], 8)
        for solver in ("greedy", "dp", "uniform"):
            for max_n in (8, 128):
                made = select("knapsack", {"solver": solver, "max_n": max_n}, prompts=prompts)
                assert made.count_P is not None
                assert int(made.count_P.sum()) == 32
                assert int(made.count_P.min()) >= 2


def test_prompts_without_a_reliable_past_get_what_they_always_got() -> None:
    made = select("knapsack", prompts=ahead([[1.0, 0.0] * 3 + [1.0], past(0.5), past(0.9)], 8))
    assert made.count_P is not None
    assert int(made.count_P[0]) == 8
    assert int(made.count_P[1]) > int(made.count_P[2])


def test_without_a_mixed_prompt_failed_ones_share_the_rest() -> None:
    """40 completions: 2 for the solved one, 8 for the new one, 30 for three failed ones; nobody to help: 8 each."""
    made = select("knapsack", prompts=ahead([past(1), past(0), past(0), [], past(0)], 8))
    assert made.count_P is not None
    assert made.count_P.tolist() == [2, 10, 10, 8, 10]
    lucky = select("knapsack", prompts=ahead([past(1), past(1), []], 8))
    assert lucky.count_P is not None
    assert lucky.count_P.tolist() == [8, 8, 8]


def test_what_mixed_prompts_do_not_need_goes_to_failed_ones() -> None:
    """24 completions, 2 each: the mixed prompt needs floor(3.32) = 3 of the 18 left, and 15 go to the failed one."""
    assert counts([0.5, 0.0, 1.0], 8) == [5, 17, 2]
    # Nobody failed: they go to the solved prompt and the new one.
    made = select("knapsack", prompts=ahead([past(0.5), past(1.0), []], 8))
    assert made.count_P is not None
    assert made.count_P.tolist() == [2 + 3, 2 + 5, 8 + 4]


def test_caps_hold_until_nobody_else_is_left() -> None:
    """Two mixed prompts with a cap of 8 and 40 completions: what the caps cannot take is spread evenly."""
    assert counts([0.5, 0.3], 20, max_n=8) == [20, 20]
    assert counts([0.5, 0.0], 20, max_n=8) == [5, 35]


def test_a_rate_is_that_of_the_last_visit_or_of_the_newest() -> None:
    """Sixteen or more drawn: their share, 0.25; fewer: the newest sixteen of all visits, 10 of 16."""
    rewards = [1.0] * 4 + [0.0] * 12 + [1.0] * 8
    assert MODULE.estimates(ahead([rewards], 8, [16]), 0.5, 16) == [0.25]
    few = [1.0] * 2 + [0.0] * 6 + [1.0] * 8 + [0.0] * 20
    assert MODULE.estimates(ahead([few], 8, [8]), 0.5, 16) == [10 / 16]
    assert MODULE.estimates(ahead([few], 8, [8]), 0.5, 8) == [0.25]
    assert MODULE.estimates(ahead([[1.0] * 7], 8), 0.5, 16) == [None]


def test_solved_is_more_than_the_bound() -> None:
    assert MODULE.estimates(ahead([[0.15, 0.4, 1.1, 1.0] * 2], 8), 0.5, 16) == [0.5]


def test_least_numbers_beyond_the_budget_are_refused() -> None:
    with pytest.raises(ValueError, match="lower min_n"):
        counts([0.5, 0.5], 4, min_n=5)
