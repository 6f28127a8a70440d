"""Recipes with a name of their own that are made of parts: Dr. GRPO and DAPO, against loops from their definitions."""

from itertools import product
from math import log, prod
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.pushed import spoken
from tests.workers.stage import Stage, run_credit, stage
from workers.engine.load import call, load


def pushed(
    made: Stage, credit: dict[str, Any], objective: dict[str, Any], reduction: tuple[str, dict[str, Any]]
) -> Tensor:
    """The gradient of the whole recipe's loss by the log-probabilities."""
    advantage_NT = run_credit("grpo", made, credit).advantage_NT
    leaf_NT = made.now.logp_NT.clone().requires_grad_()
    supplied = made.supplied(advantage_NT=advantage_NT, now=type(made.now)(leaf_NT, made.mask_NT))
    loss = call(load("objectives", "ppo_clip"), supplied, objective)
    weight_NT = call(load("reductions", reduction[0]), supplied, reduction[1])
    (found_NT,) = torch.autograd.grad((loss.token_NT * weight_NT).sum(), leaf_NT)
    assert isinstance(found_NT, Tensor)
    return found_NT


def tokens(made: Stage) -> list[tuple[int, int, float, float]]:
    """(row, position, ratio, reward less the group's mean) of every chosen token, by plain loops."""
    rewards = [float(made.reward_NT[row][made.mask_NT[row]].sum()) for row in range(10)]
    groups = made.rollouts.group_N.tolist()
    found = []
    for row, t in made.mask_NT.nonzero().tolist():
        siblings = [reward for reward, group in zip(rewards, groups, strict=True) if group == groups[row]]
        ratio = float((made.now.logp_NT[row, t] - made.was.logp_NT[row, t]).exp())
        found.append((row, t, ratio, rewards[row] - sum(siblings) / len(siblings)))
    return found


def silent(ratio: float, advantage: float, low: float, high: float) -> bool:
    """Whether the clip takes the token's gradient away."""
    return (advantage > 0 and ratio > 1 + high) or (advantage < 0 and ratio < 1 - low)


def test_dr_grpo_pushes_as_its_definition_says() -> None:
    """No deviation, no mean over a completion's own tokens: minus ratio times (r - mean) over G L, clipped."""
    made = stage(torch.float64, junk=0.0)
    found_NT = pushed(made, {"norm": "none"}, {}, ("fixed_length", {"length": 6}))
    completions = int(made.mask_NT.any(dim=1).sum())
    for row, t, ratio, advantage in tokens(made):
        expected = 0.0 if silent(ratio, advantage, 0.2, 0.2) else -ratio * advantage / (completions * 6)
        assert float(found_NT[row, t]) == pytest.approx(expected, rel=1e-6)
    assert sum(silent(ratio, advantage, 0.2, 0.2) for _, _, ratio, advantage in tokens(made)) >= 3


def test_dr_grpo_on_policy_is_the_unbiased_gradient_of_the_mean_reward_but_for_a_factor() -> None:
    """Over all outcomes of a prompt with two answers and groups of two, the mean push is (G - 1) / G of the gradient
    of p: one answer earns 1 and has probability p = 0.3, so dp / d logit = p (1 - p)."""
    p, total = 0.3, 0.0
    for answers in product((1.0, 0.0), repeat=2):
        made = spoken([[log(p if right else 1 - p)] for right in answers], rewards=answers)
        found_NT = pushed(made, {"norm": "none"}, {}, ("fixed_length", {"length": 1}))
        for right, push in zip(answers, found_NT[:, 0].tolist(), strict=True):
            chance = prod(p if one else 1 - p for one in answers)
            total -= chance * push * ((1 - p) if right else -p)  # d log pi / d logit of the good answer
    assert total == pytest.approx(p * (1 - p) / 2)


def test_dapo_pushes_as_its_definition_says() -> None:
    """Clip-higher and the mean over all tokens, with GRPO's deviation (n - 1)."""
    made = stage(torch.float64, junk=0.0)
    found_NT = pushed(made, {}, {"eps_low": 0.2, "eps_high": 0.28}, ("token_mean", {}))
    count, groups = int(made.mask_NT.sum()), made.rollouts.group_N.tolist()
    rewards = [float(made.reward_NT[row][made.mask_NT[row]].sum()) for row in range(10)]
    for row, t, ratio, centred in tokens(made):
        siblings = [reward for reward, group in zip(rewards, groups, strict=True) if group == groups[row]]
        spread = torch.tensor(siblings, dtype=torch.float64).std().item() if len(set(siblings)) > 1 else 0.0
        advantage = centred / (spread + 1e-6) if spread else 0.0
        expected = 0.0 if silent(ratio, advantage, 0.2, 0.28) else -ratio * advantage / count
        assert float(found_NT[row, t]) == pytest.approx(expected, rel=1e-6)
