"""Objectives: loss and gradient of one token against its log-ratio, for an advantage of plus and minus one."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import GroupLoss, Loss, Pass, Progress

SAMPLED = -2.0  # nats: the token was sampled with a probability of 0.14
REACH, POINTS = 1.5, 121


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Four lines: loss and gradient with respect to the log-probability, for both advantages."""
    ratio_N = torch.linspace(-REACH, REACH, POINTS)
    series = []
    for advantage in (1.0, -1.0):
        logp_NT = (SAMPLED + ratio_N)[:, None].requires_grad_()
        value_N = _values(loaded, params, logp_NT, advantage)
        (gradient_NT,) = torch.autograd.grad(value_N.sum(), logp_NT)
        x = places(ratio_N.tolist())
        series.append(Series(f"loss, advantage {advantage:+.0f}", x, numbers(value_N)))
        series.append(Series(f"gradient, advantage {advantage:+.0f}", x, numbers(gradient_NT[:, 0])))
    return Figure(
        "Loss and gradient of one token",
        "lines",
        Axis("log-ratio of the policy to the one that sampled", "nats"),
        Axis("loss, and its gradient by the log-probability"),
        series,
        "Where the gradient is zero the token no longer moves the policy.",
    )


def _values(loaded: Loaded, params: Mapping[str, object], logp_NT: Tensor, advantage: float) -> Tensor:
    """The loss of each point: a completion of one token, beside a sibling that stays as it was sampled, earns what
    makes the difference, and is owed nothing."""
    count = len(logp_NT)
    now_NT = torch.cat([logp_NT, torch.full_like(logp_NT, SAMPLED)])
    mask_NT = torch.ones(now_NT.shape, dtype=torch.bool)
    sampled_NT = torch.full(now_NT.shape, SAMPLED)
    now, was = Pass(now_NT, mask_NT), Pass(sampled_NT, mask_NT)
    owed_N = torch.cat([torch.full((count,), advantage), torch.zeros(count)])
    supplied = {
        "now": now,
        "was": was,
        "advantage_NT": owed_N[:, None],
        "ref_logp_NT": sampled_NT,
        "group_N": torch.arange(count).repeat(2),
        "reward_N": owed_N,
        "tag_N": torch.full((2 * count,), -1),
        "segment_NT": torch.zeros(now_NT.shape, dtype=torch.long),
        "over_vocabulary": lambda function: _over_two(function, now, was),
        "progress": Progress(1, 1),
    }
    loss = call(loaded, supplied, params)
    assert isinstance(loss, Loss | GroupLoss)
    return loss.loss_P if isinstance(loss, GroupLoss) else loss.token_NT[:count, 0]


def _over_two(function: Callable[[Tensor, Tensor], Tensor], now: Pass, was: Pass) -> Tensor:
    """A vocabulary of two: the token, and all others as one."""
    now_MV, was_MV = (
        torch.stack([one.logp_NT[:, 0], torch.log1p(-one.logp_NT[:, 0].exp())], dim=1) for one in (now, was)
    )
    return function(now_MV, was_MV)[:, None]
