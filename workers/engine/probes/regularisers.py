"""Regularisers: loss and gradient of one token against what they hold: distance from the reference, or spread."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Loss, Pass

REFERENCE = -2.0  # nats
REACH, POINTS = 3.0, 121


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Two lines: the loss, and its gradient by what stands on the horizontal axis."""
    reach_T = torch.linspace(-REACH, REACH, POINTS).requires_grad_()
    compares = loaded.needs("ref_logp_NT")
    now = _shifted(reach_T) if compares else _two_tokens(reach_T)
    reference_NT = torch.full((1, POINTS), REFERENCE)
    supplied = {"now": now, "was": Pass(reference_NT, now.mask_NT), "ref_logp_NT": reference_NT}
    loss = call(loaded, supplied, params)
    assert isinstance(loss, Loss)
    (gradient_T,) = torch.autograd.grad(loss.token_NT.sum(), reach_T)
    x = places(reach_T.tolist())
    label = "log-ratio of the policy to the reference" if compares else "log-odds of one of two tokens"
    return Figure(
        "Loss and gradient of one token",
        "lines",
        Axis(label, "nats"),
        Axis("loss, and its gradient"),
        [Series("loss", x, numbers(loss.token_NT[0])), Series("gradient", x, numbers(gradient_T))],
        "The policy moves against the gradient: where it is positive, the loss pulls to the left.",
    )


def _shifted(reach_T: Tensor) -> Pass:
    """A token whose log-probability lies `reach_T` above the reference's."""
    return Pass((REFERENCE + reach_T)[None], torch.ones((1, POINTS), dtype=torch.bool))


def _two_tokens(reach_T: Tensor) -> Pass:
    """A choice of two tokens with log-odds `reach_T`: the first one's log-probability, and the entropy."""
    logp_T, other_T = logsigmoid(reach_T), logsigmoid(-reach_T)
    entropy_T = -(logp_T.exp() * logp_T + other_T.exp() * other_T)
    return Pass(logp_T[None], torch.ones((1, POINTS), dtype=torch.bool), entropy_T[None])
