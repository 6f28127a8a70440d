"""Objectives: loss and gradient of one token against its log-ratio, for an advantage of plus and minus one."""

from collections.abc import Mapping

import torch

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Loss, Pass

SAMPLED = -2.0  # nats: the token was sampled with a probability of 0.14
REACH, POINTS = 1.5, 121


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Four lines: loss and gradient with respect to the log-probability, for both advantages."""
    ratio_T = torch.linspace(-REACH, REACH, POINTS)
    series = []
    for advantage in (1.0, -1.0):
        logp_NT = (SAMPLED + ratio_T)[None].requires_grad_()
        loss = _loss(loaded, params, logp_NT, advantage)
        (gradient_NT,) = torch.autograd.grad(loss.token_NT.sum(), logp_NT)
        x = places(ratio_T.tolist())
        series.append(Series(f"loss, advantage {advantage:+.0f}", x, numbers(loss.token_NT[0])))
        series.append(Series(f"gradient, advantage {advantage:+.0f}", x, numbers(gradient_NT[0])))
    return Figure(
        "Loss and gradient of one token",
        "lines",
        Axis("log-ratio of the policy to the one that sampled", "nats"),
        Axis("loss, and its gradient by the log-probability"),
        series,
        "Where the gradient is zero the token no longer moves the policy.",
    )


def _loss(loaded: Loaded, params: Mapping[str, object], logp_NT: torch.Tensor, advantage: float) -> Loss:
    mask_NT = torch.ones(logp_NT.shape, dtype=torch.bool)
    sampled_NT = torch.full(logp_NT.shape, SAMPLED)
    supplied = {
        "now": Pass(logp_NT, mask_NT),
        "was": Pass(sampled_NT, mask_NT),
        "advantage_NT": torch.full(logp_NT.shape, advantage),
        "ref_logp_NT": sampled_NT,
    }
    loss = call(loaded, supplied, params)
    assert isinstance(loss, Loss)
    return loss
