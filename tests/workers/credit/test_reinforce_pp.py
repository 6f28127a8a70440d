"""REINFORCE++: by hand, from the definition, and beside its relatives."""

from dataclasses import replace
from math import sqrt

import pytest
import torch

from tests.workers.stage import Stage, run_credit, stage
from tests.workers.worked import outcome, rollouts


def with_logp(made: Stage, logp: list[list[float]]) -> Stage:
    return replace(made, rollouts=replace(made.rollouts, logp_NT=torch.tensor(logp)))


def test_by_hand() -> None:
    """beta 0.5. Row 1: reward 1, log-ratios 0.2, -0.4: from here on -0.2, -0.4; returns 1.1, 1.2.
    Row 2: reward 0, log-ratio 0.6: return -0.3. Mean 2/3; squares 0.187778 + 0.284444 + 0.934444, /3 = 0.468889."""
    made = with_logp(rollouts(["AB", "C"]), [[-1.0, -1.0], [-2.0, 0.0]])
    ref_NT = torch.tensor([[-1.2, -0.6], [-2.6, 0.0]])
    found = run_credit(
        "reinforce_pp", made, {"kl_coef": 0.5}, ref_logp_NT=ref_NT, reward_NT=outcome(made, [1, 0])
    ).advantage_NT
    deviation = sqrt(0.468889)
    expected = torch.tensor([[0.433333, 0.533333], [-0.966667, 0.0]]) / deviation
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("params", [{}, {"baseline": "group"}, {"kl_coef": 0.3}, {"baseline": "group", "kl_coef": 2.0}])
def test_a_loop_from_the_definition(params: dict[str, object]) -> None:
    """Rewards, penalties from here on, then mean and deviation over all chosen tokens of the awkward batch."""
    made = stage(torch.float64)
    ref_NT = made.ref_logp_NT - 0.3 * torch.sin(torch.arange(60, dtype=torch.float64)).reshape(10, 6)
    found_NT = run_credit("reinforce_pp", made, params, ref_logp_NT=ref_NT).advantage_NT
    rewards = [float(made.reward_NT[row][made.mask_NT[row]].sum()) for row in range(10)]
    groups = made.rollouts.group_N.tolist()
    beta = float(str(params.get("kl_coef", 0.01)))
    returns = {}
    for row, t in made.mask_NT.nonzero().tolist():
        kls = [float(made.rollouts.logp_NT[row, u] - ref_NT[row, u]) for u in range(t, 6) if made.mask_NT[row, u]]
        siblings = [reward for reward, group in zip(rewards, groups, strict=True) if group == groups[row]]
        level = sum(siblings) / len(siblings) if params.get("baseline") == "group" else 0.0
        returns[row, t] = rewards[row] - level - beta * sum(kls)
    mean = sum(returns.values()) / len(returns)
    deviation = sqrt(sum((one - mean) ** 2 for one in returns.values()) / len(returns))
    for (row, t), one in returns.items():
        assert float(found_NT[row, t]) == pytest.approx((one - mean) / deviation)


def test_in_one_group_without_penalty_it_is_grpo_but_for_one_factor() -> None:
    """The identity for completions of equal length: the deviation over n in the place of that over n - 1."""
    made = rollouts(["AB", "CD", "EF", "GH"])
    reward_NT = outcome(made, [1, 0, 0.5, 0])
    none: dict[str, object] = {"kl_coef": 0.0}
    ours = run_credit("reinforce_pp", made, none, reward_NT=reward_NT, ref_logp_NT=torch.zeros(4, 2)).advantage_NT
    theirs = run_credit("grpo", made, reward_NT=reward_NT).advantage_NT
    torch.testing.assert_close(ours, theirs * sqrt(4 / 3), atol=1e-5, rtol=1e-5)


def test_a_nearly_solved_prompt_is_not_louder_than_a_middling_one() -> None:
    """Rewards 1, 1, 1, 0 and 1, 1, 0, 0: GRPO gives the lone failure -1.5, the others +-0.866; in one unit for all
    it is -0.75 against 0.5."""
    made = rollouts(["A"] * 8, groups=[0] * 4 + [1] * 4)
    reward_NT = outcome(made, [1, 1, 1, 0, 1, 1, 0, 0])
    found = run_credit(
        "reinforce_pp", made, {"baseline": "group"}, reward_NT=reward_NT, ref_logp_NT=made.rollouts.logp_NT
    ).advantage_NT[:, 0]
    assert float(found[3] / found[7]) == pytest.approx(1.5)
    grpo = run_credit("grpo", made, reward_NT=reward_NT).advantage_NT[:, 0]
    assert float(grpo[3] / grpo[7]) == pytest.approx(1.732051, abs=1e-5)


def test_leaving_the_reference_costs_the_tokens_before_it_too() -> None:
    """All rewards equal: the token that leaves, and those that led there, are owed less than those behind it."""
    made = with_logp(rollouts(["ABC", "ABC"]), [[-1.0, -1.0, -1.0], [-1.0, -1.0, -1.0]])
    ref_NT = torch.tensor([[-1.0, -3.0, -1.0], [-1.0, -1.0, -1.0]])
    found = run_credit("reinforce_pp", made, ref_logp_NT=ref_NT, reward_NT=outcome(made, [1, 1])).advantage_NT
    assert float(found[0, 0]) == float(found[0, 1]) < 0 < float(found[0, 2])
