"""Group-relative credit: numbers by hand, and where it agrees with others."""

import pytest
import torch

from tests.workers.stage import run_credit, stage
from tests.workers.worked import outcome, rollouts
from workers.engine.masks import on_last_token


def test_by_hand() -> None:
    """Rewards 1, 0, 1, 0: mean 1/2; deviation sqrt((4 x 1/4) / 3) = 0.577350; 0.5 / 0.577351 = 0.866024."""
    batch = rollouts(["AB", "AC", "D", "EF"])
    advantage_NT = run_credit("grpo", batch, reward_NT=outcome(batch, [1, 0, 1, 0])).advantage_NT
    a = 0.866024
    torch.testing.assert_close(advantage_NT, torch.tensor([[a, a], [-a, -a], [a, 0], [-a, -a]]), atol=1e-6, rtol=0)


def test_by_hand_without_deviation() -> None:
    """Rewards 1, 0, 0.5 in one group (mean 0.5) and 3, 5 in another (mean 4)."""
    batch = rollouts(["A", "B", "C", "A", "B"], groups=[0, 1, 0, 1, 0])
    found = run_credit("grpo", batch, {"norm": "none"}, reward_NT=outcome(batch, [1, 3, 0, 5, 0.5])).advantage_NT
    torch.testing.assert_close(found[:, 0], torch.tensor([0.5, -1.0, -0.5, 1.0, 0.0]))


def test_equal_rewards_push_nothing_although_their_mean_rounds() -> None:
    """Three times 0.1 has a rounded mean; without care 1e-9 over a deviation of 1e-6 becomes a push."""
    batch = rollouts(["A", "B", "C"])
    for reward in (0.1, 0.7, 1 / 3):
        assert (run_credit("grpo", batch, reward_NT=outcome(batch, [reward] * 3)).advantage_NT == 0).all()


def test_its_deviation_is_one_over_the_group() -> None:
    """Advantages of a group have mean 0 and sample deviation 1, but for the 1e-6 in the denominator."""
    batch = rollouts(["A"] * 5)
    found = run_credit("grpo", batch, reward_NT=outcome(batch, [0.2, 0.9, 0.4, 0.0, 1.0])).advantage_NT[:, 0]
    assert float(found.mean()) == pytest.approx(0, abs=1e-6)
    assert float(found.std()) == pytest.approx(1, abs=1e-5)


def test_step_rewards_count_by_their_sum() -> None:
    made = stage()
    moved_NT = made.reward_NT.clone()
    moved_NT[0, 5] -= 0.25
    moved_NT[0, 1] += 0.25
    torch.testing.assert_close(
        run_credit("grpo", made, reward_NT=moved_NT).advantage_NT, run_credit("grpo", made).advantage_NT
    )


def test_what_all_rewards_share_does_not_matter() -> None:
    """Adding 3 to every reward of a group, or making all negative by taking 3 away, changes nothing."""
    made = stage()
    for shift in (3.0, -3.0):
        moved_NT = made.reward_NT + on_last_token(torch.full((10,), shift), made.mask_NT)
        moved_NT[9] = 0.0
        kept = made.rollouts.group_N != 1  # the row without a token cannot take its share in group 1
        torch.testing.assert_close(
            run_credit("grpo", made, reward_NT=moved_NT).advantage_NT[kept],
            run_credit("grpo", made).advantage_NT[kept],
            atol=1e-5,
            rtol=1e-5,
        )
