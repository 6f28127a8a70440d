"""BNPO: the catalogue's numbers, the exponents that make it something known, and its edges."""

from collections.abc import Sequence
from math import pi, sqrt

import pytest
import torch

from tests.workers.stage import NAN, run_credit
from tests.workers.worked import outcome, rollouts
from workers.engine.tensors import Credit

FOUR = ((1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 0), (1, 0, 0, 0))


def found(groups: Sequence[Sequence[float]], **params: object) -> tuple[list[list[float]], Credit]:
    """Advantages group by group, one token a completion."""
    rewards = [reward for group in groups for reward in group]
    made = rollouts(["A"] * len(rewards), [number for number, group in enumerate(groups) for _ in group])
    credit = run_credit("bnpo", made, params, reward_NT=outcome(made, rewards))
    flat = iter(credit.advantage_NT[:, 0].tolist())
    return [[next(flat) for _ in group] for group in groups], credit


def test_the_catalogues_batch() -> None:
    """Rates 0.25, 0.5, 0.75, 0.25: mean 0.4375, variance 0.057292, a = 1.441761, b = 1.853693; weights 0.840769,
    0.774127, 0.977667, 0.840769 times (R - p)."""
    advantages, credit = found(FOUR)
    expected = {"alpha": 1.480587, "beta": 1.617898, "mean_rate": 0.4375, "variance_rate": 0.057292}
    assert credit.statistics == pytest.approx(expected, abs=1e-6)
    assert advantages[0] == pytest.approx([0.630577, -0.210192, -0.210192, -0.210192], abs=1e-6)
    assert advantages[1] == pytest.approx([0.387063, 0.387063, -0.387063, -0.387063], abs=1e-6)
    assert advantages[2] == pytest.approx([0.244417, 0.244417, 0.244417, -0.733250], abs=1e-6)
    assert advantages[3] == advantages[0]


def test_exponents_of_one_divide_by_nothing() -> None:
    """REINFORCE with the group's mean: grpo without its deviation."""
    advantages, _ = found(FOUR, exponents="fixed", alpha=1.0, beta=1.0)
    assert [row[0] for row in advantages] == pytest.approx([0.75, 0.5, 0.25, 0.75])
    made = rollouts(["A"] * 8, groups=[0, 1] * 4)
    reward_NT = outcome(made, [1, 0, 0, 1, 0, 1, 1, 0])
    ours = run_credit("bnpo", made, {"exponents": "fixed", "alpha": 1.0, "beta": 1.0}, reward_NT=reward_NT).advantage_NT
    torch.testing.assert_close(ours, run_credit("grpo", made, {"norm": "none"}, reward_NT=reward_NT).advantage_NT)


def test_exponents_of_three_halves_are_grpo_times_pi_over_eight() -> None:
    """With the deviation over n: f(p) = (8 / pi) sqrt(p (1 - p))."""
    advantages, _ = found(FOUR, exponents="fixed")
    for row, rewards in zip(advantages, FOUR, strict=True):
        p = sum(rewards) / 4
        assert row == pytest.approx([(r - p) / sqrt(p * (1 - p)) * pi / 8 for r in rewards], abs=1e-6)
    (fifth,), _ = found([(1, 0, 0, 0, 0)], exponents="fixed")  # f(0.2) / sqrt(0.16) = 2.546479
    assert fifth[0] == pytest.approx(0.8 / 0.4 / 2.546479, abs=1e-6)


def test_the_method_of_moments_inverts() -> None:
    """Beta(2, 6) has mean 0.25 and variance 0.0208333: rates 0.25 and 0.25 +- 0.144338 have them, and the exponents
    are 1 + 2 / 3 and 1 + 6 / 3."""
    away = sqrt(0.0208333333)
    _, credit = found([(0.25, 0.25), (0.25 + away, 0.25 + away), (0.25 - away, 0.25 - away)])
    assert credit.statistics["mean_rate"] == pytest.approx(0.25)
    assert credit.statistics["variance_rate"] == pytest.approx(0.0208333, abs=1e-6)
    assert credit.statistics["alpha"] == pytest.approx(1 + 2 / 3, abs=1e-5)
    assert credit.statistics["beta"] == pytest.approx(3.0, abs=1e-5)


def test_groups_sum_to_nothing_and_solved_and_hopeless_ones_are_silent_under_the_ceiling() -> None:
    advantages, credit = found([(1, 0, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1), (0, 0, 0, 0), (1, 1, 0, 0)], ceiling=1e6)
    assert credit.statistics["alpha"] > 1  # so that the density is 0 at both ends, and its inverse the ceiling
    assert [sum(row) for row in advantages] == pytest.approx([0.0] * 5, abs=1e-6)
    assert advantages[2] == advantages[3] == [0.0] * 4
    assert all(advantages[place][0] != 0 for place in (0, 1, 4))


def test_rates_too_far_apart_for_a_beta_leave_the_exponents_at_one() -> None:
    """Rates 1, 0, 1, 0: mu (1 - mu) = 1/4 <= v = 1/3."""
    advantages, credit = found([(1, 1), (0, 0), (1, 1), (0, 0)])
    assert (credit.statistics["alpha"], credit.statistics["beta"]) == (1.0, 1.0)
    assert advantages == [[0.0, 0.0]] * 4


@pytest.mark.parametrize("rewards", [(1, 0, 0), (0.1, 0.4, 0.1)])
def test_equal_rates_leave_the_exponents_at_one(rewards: tuple[float, ...]) -> None:
    """No variance, no Beta; 0.1 + 0.4 + 0.1 rounds."""
    advantages, credit = found([rewards, rewards, rewards])
    assert (credit.statistics["alpha"], credit.statistics["beta"]) == (1.0, 1.0)
    assert advantages[1] == pytest.approx([r - sum(rewards) / 3 for r in rewards], abs=1e-6)


def test_one_prompt_alone_is_fitted_with_mean_zero_and_variance_one() -> None:
    """mu = 0, v = 1: a = 0, b = -1; both exponents 1."""
    (row,), credit = found([(1, 0, 0, 1)])
    assert (credit.statistics["mean_rate"], credit.statistics["variance_rate"]) == (0.0, 1.0)
    assert row == pytest.approx([0.5, -0.5, -0.5, 0.5])


def test_groups_of_one_are_compared_with_zero_and_have_no_part_in_the_fit() -> None:
    """All of one: every rate is 0, exponents 1, the reward itself. Beside larger groups the same, not 10^6 times it."""
    assert found([(1,), (0,), (0.5,)])[0] == [[1.0], [0.0], [0.5]]
    advantages, _ = found([*FOUR, (1,)])
    assert advantages[:4] == found(FOUR)[0]
    assert advantages[4] == [1.0]


def test_another_range_is_mapped_first() -> None:
    moved = [[3 + 4 * reward for reward in group] for group in FOUR]
    advantages, _ = found(moved, lowest=3.0, highest=7.0)
    for row, plain in zip(advantages, found(FOUR)[0], strict=True):
        assert row == pytest.approx(plain, abs=1e-5)


def test_a_range_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="must lie above"):
        found(FOUR, lowest=1.0, highest=1.0)


def test_a_low_ceiling_bounds_the_weight() -> None:
    advantages, _ = found(FOUR, ceiling=0.5)
    assert [row[0] for row in advantages] == pytest.approx([0.375, 0.25, 0.125, 0.375])


def test_rewards_one_by_one_are_averaged_and_those_that_do_not_apply_owe_nothing() -> None:
    """The first column is the catalogue's; the second says something of the second prompt alone: rates 1/2, one
    group, exponents 1, so +-1/2; the average halves both."""
    made = rollouts(["A"] * 16, groups=[n // 4 for n in range(16)])
    first = torch.tensor([float(reward) for group in FOUR for reward in group])
    second = torch.full((16,), NAN)
    second[4:8] = torch.tensor([0.0, 1.0, 0.0, 1.0])
    several = run_credit("bnpo", made, {"decomposition": True}, reward_NK=torch.stack([first, second], dim=1))
    advantage_N = several.advantage_NT[:, 0]
    plain = torch.tensor([one for row in found(FOUR)[0] for one in row])
    plain[4:8] += torch.tensor([-0.5, 0.5, -0.5, 0.5])
    torch.testing.assert_close(advantage_N, plain / 2, atol=1e-6, rtol=1e-5)
