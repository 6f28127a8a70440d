"""Leave-one-out credit: numbers by hand, a plain loop, and its relative."""

import pytest
import torch

from tests.workers.stage import REWARD, run_credit, stage
from tests.workers.worked import outcome, rollouts


def test_by_hand() -> None:
    """Rewards 1, 0, 0.5: 1 - 0.25 = 0.75; 0 - 0.75 = -0.75; 0.5 - 0.5 = 0."""
    batch = rollouts(["AB", "C", "D"])
    found = run_credit("rloo", batch, reward_NT=outcome(batch, [1, 0, 0.5])).advantage_NT
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.75], [-0.75, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize("size", [2, 3, 8])
def test_it_is_group_mean_credit_times_g_over_g_minus_one(size: int) -> None:
    """The identity with grpo without deviation."""
    batch = rollouts(["A"] * size)
    reward_NT = outcome(batch, [((7 * row) % 5) / 4 for row in range(size)])
    plain = run_credit("grpo", batch, {"norm": "none"}, reward_NT=reward_NT).advantage_NT
    torch.testing.assert_close(run_credit("rloo", batch, reward_NT=reward_NT).advantage_NT, plain * size / (size - 1))


def test_a_plain_loop_agrees_on_the_awkward_batch() -> None:
    """From the definition: the reward less the mean of the others of the same prompt; nothing for one alone."""
    made = stage()
    found = run_credit("rloo", made).advantage_NT
    groups = made.rollouts.group_N.tolist()
    for row, (reward, group) in enumerate(zip(REWARD, groups, strict=True)):
        others = [r for k, (r, g) in enumerate(zip(REWARD, groups, strict=True)) if g == group and k != row]
        owed = reward - sum(others) / len(others) if others else 0.0
        for position in range(6):
            expected = owed if made.mask_NT[row, position] else 0.0
            assert float(found[row, position]) == pytest.approx(expected, abs=1e-6)
