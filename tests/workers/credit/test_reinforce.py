"""REINFORCE with a running baseline: its baseline over steps, by hand."""

import pytest
import torch

from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts


def test_by_hand_over_three_steps() -> None:
    """beta 0.9: the past's share. The first step has no past, so its own mean stands in.

    Step 1, rewards 1, 0: b = 0.5, advantages +-0.5; b becomes 0.9 x 0.5 + 0.1 x 0.5 = 0.5.
    Step 2, rewards 1, 1: advantages 0.5; b becomes 0.45 + 0.1 = 0.55.
    Step 3, rewards 0, 1: advantages -0.55, 0.45; b becomes 0.495 + 0.05 = 0.545.
    """
    batch = rollouts(["AB", "C"])
    memory: dict[str, torch.Tensor] = {}
    for rewards, owed, baseline in (
        ([1, 0], [0.5, -0.5], 0.5),
        ([1, 1], [0.5, 0.5], 0.55),
        ([0, 1], [-0.55, 0.45], 0.545),
    ):
        credit = run_credit("reinforce", batch, reward_NT=outcome(batch, rewards), memory=memory)
        expected = torch.tensor([[owed[0], owed[0]], [owed[1], 0.0]])
        torch.testing.assert_close(credit.advantage_NT, expected)
        memory = dict(credit.memory)
        assert float(memory["baseline"]) == pytest.approx(baseline, abs=1e-6)


def test_a_baseline_of_zero_is_a_baseline() -> None:
    """Zero is a number: after a step of zeros the next step's advantage is the reward itself."""
    batch = rollouts(["A", "B"])
    memory = run_credit("reinforce", batch, reward_NT=outcome(batch, [0, 0])).memory
    found = run_credit("reinforce", batch, reward_NT=outcome(batch, [1, 1]), memory=memory).advantage_NT
    assert (found == 1).all()


def test_with_beta_zero_the_baseline_is_the_step_before() -> None:
    batch = rollouts(["A", "B"])
    memory = run_credit("reinforce", batch, {"beta": 0.0}, reward_NT=outcome(batch, [4, 2])).memory
    assert float(memory["baseline"]) == 3.0


def test_on_its_first_step_it_is_group_mean_credit_of_one_large_group() -> None:
    """The identity with grpo without deviation, when the batch is one group."""
    batch = rollouts(["A", "B", "C"])
    reward_NT = outcome(batch, [1, 0.25, 0])
    torch.testing.assert_close(
        run_credit("reinforce", batch, reward_NT=reward_NT).advantage_NT,
        run_credit("grpo", batch, {"norm": "none"}, reward_NT=reward_NT).advantage_NT,
    )


def test_rows_without_a_token_do_not_move_the_baseline() -> None:
    batch = rollouts(["A", "B", "C"], holes=[[], [], [0]])
    memory = run_credit("reinforce", batch, reward_NT=outcome(batch, [1, 0, 9])).memory
    assert float(memory["baseline"]) == 0.5
