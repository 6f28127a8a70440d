"""RiskPO: the catalogue's numbers, its risk measure, and its edges."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts

# The catalogue's two questions: papers 2, 1, 1, 0.
TWO = ((1, 0, 1, 0), (1, 1, 0, 0))
PLAIN: dict[str, Any] = {"credit_assign_mode": "uniform", "norm_by_std": False}


def tracked(low: float, high: float) -> dict[str, Tensor]:
    """A memory whose quantiles at 0.2 and 0.8 are these."""
    quantile = torch.linspace(low - 0.5, high + 0.5, 19)
    quantile[3], quantile[15] = low, high
    return {"quantile": quantile}


def papers(
    groups: Sequence[Sequence[float]] = TWO, memory: dict[str, Tensor] | None = None, **params: Any
) -> tuple[list[list[float]], Tensor]:
    """Advantages question by question, one token a completion, and the quantiles left behind."""
    rewards = [float(reward) for group in groups for reward in group]
    made = rollouts(["A"] * len(rewards), [number for number, group in enumerate(groups) for _ in group])
    given = tracked(0.5, 1.5) if memory is None else memory
    settings = {"bundle_size": len(groups)} | params
    credit = run_credit("riskpo", made, settings, reward_NT=outcome(made, rewards), memory=given)
    flat = iter(credit.advantage_NT[:, 0].tolist())
    return [[next(flat) for _ in group] for group in groups], credit.memory["quantile"]


def test_papers_are_owed_by_where_they_lie() -> None:
    advantages, _ = papers(**PLAIN)
    assert advantages[0] == pytest.approx([0, -0.333333, -0.333333, -2.166658], abs=1e-6)
    assert advantages[1] == advantages[0]


def test_in_units_of_the_papers_deviation() -> None:
    """That of 2, 1, 1, 0 is 0.816497."""
    advantages, _ = papers(credit_assign_mode="uniform")
    assert advantages[0] == pytest.approx([0, -0.408247, -0.408247, -2.653600], abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("std", [0, -0.707104, -0.707104, -4.596162]),  # each question's deviation is 0.577350
        ("sum-mean", [0, -0.204124, -0.204124, -1.326800]),
    ],
)
def test_credit_of_the_members(mode: str, expected: list[float]) -> None:
    for row in papers(credit_assign_mode=mode)[0]:
        assert row == pytest.approx(expected, abs=1e-5)


def test_credit_by_score_halves_what_earned_and_raises_what_did_not() -> None:
    """Papers -0.408247 in the middle: the first question earned in the third, the second in the second."""
    first, second = papers(credit_assign_mode="score")[0]
    assert first == pytest.approx([0, -0.612371, -0.204124, -3.980400], abs=1e-5)
    assert second == pytest.approx([0, -0.204124, -0.612371, -3.980400], abs=1e-5)


def test_without_the_natural_baseline() -> None:
    advantages, _ = papers(**PLAIN, natural_baseline=False)
    assert advantages[0] == pytest.approx([0.666666, 0.333333, 0.333333, -1.499993], abs=1e-6)


def test_the_printed_form() -> None:
    advantages, _ = papers(formula="paper", w_mix=0.5)
    assert advantages[0] == advantages[1] == pytest.approx([0, -0.5, -0.5, -1.75], abs=1e-6)


def test_seeking_risk_pays_above_the_upper_quantile() -> None:
    """w 1.5, X = 2: (1.5 x 0.5 / 0.2 + 0) / 2.5 = 1.5; X = 1: -0.5 / 0.6 / 2.5; X = 0: -1 / 0.6 / 2.5."""
    advantages, _ = papers(**PLAIN, tail="high")
    assert advantages[0] == pytest.approx([1.5, -0.333333, -0.333333, -0.666667], abs=1e-4)
    with pytest.raises(ValueError, match="no risk-seeking counterpart"):
        papers(formula="paper", tail="high")


def test_tracked_quantiles_move_towards_their_level() -> None:
    """One of four papers lies below 0.5 and three below 1.5: 0.5 + 0.1 (0.2 - 0.25), 1.5 + 0.1 (0.8 - 0.75)."""
    _, quantile = papers()
    assert (float(quantile[3]), float(quantile[15])) == pytest.approx((0.495, 1.505))


def test_the_first_step_takes_the_bundles_own_quantiles() -> None:
    """0.6 and 1.4 by linear interpolation: X = 0 is owed (1.5 x -0.6 / 0.2 - 0.8 / 0.6) / 2.5, X = 2 nothing."""
    advantages, quantile = papers(memory={}, **PLAIN)
    assert advantages[0] == pytest.approx([0, -0.266667, -0.266667, -2.333333], abs=1e-4)
    # What is kept was moved once: one paper lies below 0.6, three below 1.4.
    assert (float(quantile[3]), float(quantile[15])) == pytest.approx((0.595, 1.405))


def test_where_quantiles_come_from() -> None:
    """batch: as in a first step; mix: half of 0.5 and 0.6, half of 1.5 and 1.4."""
    assert papers(q_track_mode="batch", **PLAIN)[0] == papers(memory={}, **PLAIN)[0]
    assert papers(q_track_mode="mix", **PLAIN)[0] == papers(memory=tracked(0.55, 1.45), **PLAIN)[0]


def test_a_level_between_two_tracked_ones_lies_on_their_line() -> None:
    memory = tracked(0.5, 1.5)
    memory["quantile"][4] = 0.7  # the level 0.25
    between = papers(memory=memory, quantile_down=0.22, **PLAIN)[0]
    memory["quantile"][3] = 0.58
    one = papers(memory=memory, quantile_down=0.2, **PLAIN)[0]
    # The quantile is 0.58 in both; the level itself stands in the denominators.
    assert between[0][3] == pytest.approx((-1.5 * 0.58 / 0.22 - 0.92 / 0.58) / 2.5, abs=1e-4)
    assert one[0][3] == pytest.approx((-1.5 * 0.58 / 0.2 - 0.92 / 0.6) / 2.5, abs=1e-4)


def test_a_higher_score_is_never_owed_less_and_the_best_nothing() -> None:
    """One question a bundle, so that papers are completions."""
    scores = [0.0, 0.2, 0.4, 0.5, 0.9, 1.3, 1.5, 1.6, 2.7]
    (advantages,), _ = papers([scores], bundle_size=1, **PLAIN)
    assert advantages == sorted(advantages)
    assert advantages[0] < advantages[1] < advantages[5] < 0
    assert advantages[6:] == pytest.approx([0.0] * 3, abs=1e-6)


def test_the_mean_over_papers_is_the_risk_measure_but_for_what_no_score_moves() -> None:
    """Scores 0, 1, 1, 2, 3, 3, 4, 5, 5, 5, quantiles 1 and 5: RVaR(0.2, 0.8) = 3, CVaR(0.2) = 0.5, MVaR = 1.5.

    By their definitions CVaR = q_a - E(q_a - X)+ / a, and RVaR = (E[(X - q_a)+ - (X - q_b)+] + (1 - a) q_a
    - (1 - b) q_b) / (b - a): the parts' means, and constants that baselines take away.
    """
    scores = [0.0, 1, 1, 2, 3, 3, 4, 5, 5, 5]
    (advantages,), _ = papers([scores], bundle_size=1, memory=tracked(1.0, 5.0), natural_baseline=False, **PLAIN)
    middle, lowest = sum(scores[2:8]) / 6, sum(scores[:2]) / 2
    assert (middle, lowest) == (3.0, 0.5)
    measure = (1.5 * lowest + middle) / 2.5
    assert measure == 1.5
    constants = (1.5 * 1.0 + (0.8 * 1.0 - 0.2 * 5.0) / 0.6) / 2.5
    assert sum(advantages) / 10 + constants == pytest.approx(measure, abs=1e-4)


def test_at_its_limits_it_is_a_baseline_of_the_best() -> None:
    """One question a bundle, w = 0, quantiles at the least and the greatest score: X - max X up to scale."""
    scores = [0.3, 0.9, 0.1, 0.6]
    extremes: dict[str, Any] = {"quantile_down": 0.05, "quantile_up": 0.95, "w_mix": 0.0}
    memory = {"quantile": torch.linspace(0.1, 0.9, 19)}
    (advantages,), _ = papers([scores], bundle_size=1, memory=memory, **PLAIN, **extremes)
    assert advantages == pytest.approx([(score - 0.9) / 0.9 for score in scores], abs=1e-5)


def test_bundles_follow_the_order_of_groups_and_the_last_may_be_smaller() -> None:
    """Three questions in twos: the third stands alone, its scores are doubled."""
    third = (1, 0, 0, 0)
    advantages, _ = papers([*TWO, third], bundle_size=2, memory=tracked(0.5, 1.5), **PLAIN)
    assert advantages[:2] == papers(**PLAIN)[0]
    assert advantages[2] == pytest.approx([0, -2.166658, -2.166658, -2.166658], abs=1e-6)  # scores 2, 0, 0, 0


def test_there_are_as_many_papers_as_the_smallest_group_allows() -> None:
    advantages, _ = papers([(1, 0, 1, 0), (1, 1)], **PLAIN)
    assert advantages[0] == pytest.approx([0, -0.333333, 0, 0], abs=1e-6)
    assert advantages[1] == pytest.approx([0, -0.333333], abs=1e-6)


def test_completions_without_a_token_are_in_no_paper() -> None:
    made = rollouts(["A", "B", "C", "D"], groups=[0, 0, 1, 1], holes=[[0], [], [], []])
    found = run_credit(
        "riskpo", made, {"bundle_size": 2, **PLAIN}, reward_NT=outcome(made, [9, 1, 0, 1]), memory=tracked(0.5, 1.5)
    )
    # One paper, of B and C: score 1.
    assert found.advantage_NT[:, 0].tolist() == pytest.approx([0, -0.333333, -0.333333, 0], abs=1e-6)


def test_shuffling_makes_other_papers_from_the_same_completions() -> None:
    groups = [(0, 1, 2, 3, 4, 5), (0, 10, 20, 30, 40, 50)]
    plain = papers(groups, **PLAIN)[0]
    shuffled = papers(groups, shuffle_members=True, **PLAIN)[0]
    assert shuffled != plain
    assert papers(groups, shuffle_members=True, **PLAIN)[0] == shuffled  # the generator decides, and is seeded


def test_a_batch_without_any_token_changes_nothing() -> None:
    made = rollouts(["A"], holes=[[0]])
    found = run_credit("riskpo", made, memory=tracked(0.5, 1.5))
    assert torch.equal(found.memory["quantile"], tracked(0.5, 1.5)["quantile"])
    assert (found.advantage_NT == 0).all()
