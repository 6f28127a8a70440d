"""Objectives: loss and gradient of one token against its log-ratio, for an advantage of plus and minus one."""

from collections.abc import Callable, Mapping

import torch

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import GroupLoss, Loss, Pass, Progress

SAMPLED = -2.0  # nats: the token was sampled with a probability of 0.14
REACH, POINTS = 1.5, 121


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Four lines: loss and gradient with respect to the log-probability, for both advantages."""
    ratio_T = torch.linspace(-REACH, REACH, POINTS)
    series = []
    for advantage in (1.0, -1.0):
        # A completion of one token for each place: methods that look at whole completions see each by itself.
        logp_NT = (SAMPLED + ratio_T)[:, None].requires_grad_()
        loss_T = _loss(loaded, params, logp_NT, advantage)
        (gradient_NT,) = torch.autograd.grad(loss_T.sum(), logp_NT)
        x = places(ratio_T.tolist())
        series.append(Series(f"loss, advantage {advantage:+.0f}", x, numbers(loss_T)))
        series.append(
            Series(f"gradient, advantage {advantage:+.0f}", x, numbers(gradient_NT.reshape(len(x), -1)[:, 0]))
        )
    return Figure(
        "Loss and gradient of one token",
        "lines",
        Axis("log-ratio of the policy to the one that sampled", "nats"),
        Axis("loss, and its gradient by the log-probability"),
        series,
        "Where the gradient is zero the token no longer moves the policy.",
    )


def _loss(loaded: Loaded, params: Mapping[str, object], logp_NT: torch.Tensor, advantage: float) -> torch.Tensor:
    """The loss at each place; a group has the completion at hand and one that is as likely as it was when sampled."""
    count = len(logp_NT)
    now_NT = torch.cat([logp_NT, torch.full_like(logp_NT, SAMPLED).detach()])
    mask_NT = torch.ones(now_NT.shape, dtype=torch.bool)
    sampled_NT = torch.full(now_NT.shape, SAMPLED)
    now, was = Pass(now_NT, mask_NT, -now_NT.detach()), Pass(sampled_NT, mask_NT, -sampled_NT)
    supplied = {
        "now": now,
        "was": was,
        "advantage_NT": torch.cat([torch.full((count, 1), advantage), torch.full((count, 1), -advantage)]),
        "ref_logp_NT": sampled_NT,
        "group_N": torch.arange(count).repeat(2),
        "reward_N": torch.tensor([advantage > 0, advantage <= 0]).float().repeat_interleave(count),
        "tag_N": torch.full((2 * count,), -1),
        "segment_NT": torch.zeros(now_NT.shape, dtype=torch.long),
        "progress": Progress(1, 10),
        "over_vocabulary": lambda function: _two_tokens(now_NT, sampled_NT, function),
    }
    made = call(loaded, supplied, params)
    if isinstance(made, GroupLoss):
        return made.loss_P
    assert isinstance(made, Loss)
    return made.token_NT[:count, 0]


def _two_tokens(
    now_NT: torch.Tensor, was_NT: torch.Tensor, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """A vocabulary of the chosen token and one other."""
    pairs = [torch.stack([one, torch.log1p(-one.exp().clamp(max=1 - 1e-6))], dim=-1) for one in (now_NT, was_NT)]
    return function(pairs[0].flatten(0, 1), pairs[1].flatten(0, 1)).reshape(now_NT.shape)
