"""Generalised advantage: by hand, from the sum that defines it, and at both ends of lambda."""

from dataclasses import replace

import pytest
import torch

from tests.workers.stage import Stage, run_credit, stage
from tests.workers.worked import rollouts

PLAIN: dict[str, object] = {"standardise": False}


def three_tokens() -> tuple[Stage, dict[str, torch.Tensor]]:
    """Values 0.5, 0.2, 0.8; rewards 0, 0.1, 1."""
    made = rollouts(["ABC"])
    return made, {"value_NT": torch.tensor([[0.5, 0.2, 0.8]]), "reward_NT": torch.tensor([[0.0, 0.1, 1.0]])}


def test_by_hand() -> None:
    """gamma 0.9, lambda 0.5: deltas -0.32, 0.62, 0.2; A3 = 0.2, A2 = 0.62 + 0.45 x 0.2 = 0.71,
    A1 = -0.32 + 0.45 x 0.71 = -0.0005; targets are A + V."""
    made, given = three_tokens()
    credit = run_credit("gae", made, {**PLAIN, "gamma": 0.9, "lam": 0.5}, **given)
    torch.testing.assert_close(credit.advantage_NT, torch.tensor([[-0.0005, 0.71, 0.2]]))
    torch.testing.assert_close(credit.target_NT, torch.tensor([[0.4995, 0.91, 1.0]]))


def test_standardised_by_hand() -> None:
    """The same: mean 0.303167; -0.303667, 0.406833, -0.103167 from it; the deviation is over n, not n - 1."""
    made, given = three_tokens()
    found = run_credit("gae", made, {"gamma": 0.9, "lam": 0.5}, **given)
    deviation = ((0.303667**2 + 0.406833**2 + 0.103167**2) / 3) ** 0.5
    expected = torch.tensor([[-0.303667, 0.406833, -0.103167]]) / deviation
    torch.testing.assert_close(found.advantage_NT, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.target_NT, torch.tensor([[0.4995, 0.91, 1.0]]))  # targets are not touched


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (0.0, 1.0), (0.97, 0.0)])
def test_the_sum_that_defines_it(gamma: float, lam: float) -> None:
    """A_t = sum_k (gamma lambda)^k delta_{t+k} over the chosen tokens of the awkward batch, hole and empty row too."""
    made = stage(torch.float64)
    found_NT = run_credit("gae", made, {**PLAIN, "gamma": gamma, "lam": lam}).advantage_NT
    for row in range(len(found_NT)):
        mine = [t for t in range(6) if made.mask_NT[row, t]]
        values = [float(made.value_NT[row, t]) for t in mine] + [0.0]
        deltas = [float(made.reward_NT[row, t]) + gamma * values[k + 1] - values[k] for k, t in enumerate(mine)]
        for k, t in enumerate(mine):
            expected = sum((gamma * lam) ** j * delta for j, delta in enumerate(deltas[k:]))
            assert float(found_NT[row, t]) == pytest.approx(expected)


def test_at_lambda_one_it_is_the_reward_to_go_less_the_value() -> None:
    """And the critic's target is the return itself."""
    made, given = three_tokens()
    credit = run_credit("gae", made, {**PLAIN, "lam": 1.0}, **given)
    torch.testing.assert_close(credit.target_NT, torch.tensor([[1.1, 1.1, 1.0]]))
    torch.testing.assert_close(credit.advantage_NT, torch.tensor([[0.6, 0.9, 0.2]]))


def test_at_lambda_zero_it_is_one_steps_surprise() -> None:
    made, given = three_tokens()
    found_NT = run_credit("gae", made, {**PLAIN, "lam": 0.0}, **given).advantage_NT
    torch.testing.assert_close(found_NT, torch.tensor([[-0.3, 0.7, 0.2]]))


def test_without_a_critic_it_is_the_outcome() -> None:
    """The identity with REINFORCE without a baseline: values 0, lambda 1."""
    made = stage()
    blind = replace(made, value_NT=torch.zeros_like(made.value_NT))
    outcome_NT = run_credit("gae", blind, {**PLAIN, "lam": 1.0}).advantage_NT
    baseline = {"baseline": torch.tensor(0.0)}
    torch.testing.assert_close(outcome_NT, run_credit("reinforce", made, memory=baseline).advantage_NT)


def test_a_foreign_token_is_passed_over() -> None:
    """What stands on it changes nothing, and the value behind it is the next chosen token's."""
    made = rollouts(["AxB"], holes=[[1]])
    values = {"value_NT": torch.tensor([[0.5, 9.0, 0.2]]), "reward_NT": torch.tensor([[0.0, 7.0, 1.0]])}
    found_NT = run_credit("gae", made, {**PLAIN, "lam": 0.0}, **values).advantage_NT
    torch.testing.assert_close(found_NT, torch.tensor([[-0.3, 0.0, 0.8]]))


def test_a_critic_that_is_right_leaves_nothing_to_learn() -> None:
    made = rollouts(["AB", "C"])
    value_NT, reward_NT = torch.tensor([[1.0, 1.0], [0.25, 0.0]]), torch.tensor([[0.0, 1.0], [0.25, 0.0]])
    assert (run_credit("gae", made, value_NT=value_NT, reward_NT=reward_NT).advantage_NT == 0).all()


def test_equal_surprises_are_no_push_although_their_mean_rounds() -> None:
    made = rollouts(["A", "B", "C"])
    for reward in (0.1, 0.7, 1 / 3):
        found = run_credit("gae", made, value_NT=torch.zeros(3, 1), reward_NT=torch.full((3, 1), reward))
        assert (found.advantage_NT == 0).all()
