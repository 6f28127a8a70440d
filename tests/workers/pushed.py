"""Objectives of either unit: what they say, what they push, and small batches spoken token by token."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tests.workers.stage import Stage, answers, leaves_of, stage
from workers.engine.load import call, load
from workers.engine.masks import on_last_token
from workers.engine.tensors import GroupLoss, Loss, Pass, Rollouts

Words = Sequence[Sequence[float]]
Said = Loss | GroupLoss


def said(name: str, made: Stage, params: dict[str, object] | None = None, **others: object) -> tuple[Said, Tensor]:
    """What an objective says of a stage, and its losses: of tokens (N, T) or of groups (P,)."""
    loss = call(load("objectives", name), made.supplied(**others), params or {})
    assert isinstance(loss, Loss | GroupLoss)
    return loss, loss.token_NT if isinstance(loss, Loss) else loss.loss_P


def pushes(
    name: str, made: Stage, params: dict[str, object] | None = None, **others: object
) -> tuple[Said, Tensor, dict[str, Tensor]]:
    """What it says, its losses, and the gradients of their sum by everything that could carry one."""
    leaves, moved = leaves_of(made)
    loss, value = said(name, moved, params, **others)
    found = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
    return loss, value.detach(), dict(zip(leaves, found, strict=True))


def differences(name: str, made: Stage, params: dict[str, object], step: float = 1e-6, **others: object) -> Tensor:
    """The gradient of the summed loss by each chosen token's log-probability, from differences on both of its sides,
    one token at a time; float64 stages only."""
    found_NT = torch.zeros_like(made.now.logp_NT)
    for row, position in made.now.mask_NT.nonzero().tolist():
        ends = []
        for sign in (1, -1):
            moved_NT = made.now.logp_NT.clone()
            moved_NT[row, position] += sign * step
            _, value = said(name, replace(made, now=replace(made.now, logp_NT=moved_NT)), params, **others)
            ends.append(float(value.sum()))
        found_NT[row, position] = (ends[0] - ends[1]) / (2 * step)
    return found_NT


def spoken(
    now: Words,
    was: Words | None = None,
    *,
    ref: Words | None = None,
    rewards: Sequence[float] | None = None,
    owed: Sequence[float] | None = None,
    groups: Sequence[int] | None = None,
) -> Stage:
    """Completions given by the log-probabilities of their tokens: `owed` is the advantage of all tokens of a row; one
    group unless `groups` says more; float64."""
    count, longest = len(now), max(map(len, now))
    mask_NT = torch.arange(longest)[None] < torch.tensor([len(row) for row in now])[:, None]

    def filled(rows: Words) -> Tensor:
        return torch.tensor([[*row, *[0.0] * (longest - len(row))] for row in rows], dtype=torch.float64)

    def spread(values: Sequence[float] | None) -> Tensor:
        return torch.tensor(values or [0.0] * count, dtype=torch.float64)

    was_NT = filled(was or now)
    rollouts = Rollouts(
        prompt_NL=torch.zeros((count, 1), dtype=torch.long),
        prompt_mask_NL=torch.ones((count, 1), dtype=torch.bool),
        token_NT=mask_NT.long(),
        mask_NT=mask_NT,
        logp_NT=was_NT,
        group_N=torch.tensor(groups or [0] * count),
        answers=answers(count),
    )
    return replace(
        stage(torch.float64),
        rollouts=rollouts,
        now=Pass(filled(now), mask_NT),
        was=Pass(was_NT, mask_NT),
        ref_logp_NT=filled(ref or now),
        reward_NT=on_last_token(spread(rewards), mask_NT),
        advantage_NT=spread(owed)[:, None] * mask_NT,
        value_NT=torch.zeros_like(was_NT),
    )
