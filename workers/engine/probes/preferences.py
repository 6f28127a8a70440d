"""Preference losses: loss and pull against how much more the policy likes the better of two completions."""

from collections.abc import Mapping

import torch
from torch import Tensor

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Labelled, Pairs, Pass

REFERENCE, REACH, POINTS = -12.0, 30.0, 121  # nats of a whole completion


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """The loss of one example and its gradient by the log-probability of the good and of the bad completion."""
    margin_E = torch.linspace(-REACH, REACH, POINTS)
    zero_E = torch.zeros(POINTS)
    good_E, bad_E = (value_E.clone().requires_grad_() for value_E in (margin_E / 2, -margin_E / 2))
    if loaded.needs("labelled"):
        losses = [call(loaded, _labelled(value_E, good), params) for value_E, good in ((good_E, True), (bad_E, False))]
        loss_E = losses[0] + losses[1]
    else:
        others = {name: _pairs(zero_E, zero_E) for name in ("ref_pairs", "previous_pairs", "guide_pairs")}
        loss_E = call(loaded, {"pairs": _pairs(good_E, bad_E), **others}, params)
    pulls = torch.autograd.grad(loss_E.sum(), (good_E, bad_E))
    x = places(margin_E.tolist())
    series = [Series("loss", x, numbers(loss_E))]
    series += [Series(f"gradient, {name}", x, numbers(g)) for name, g in zip(("better", "worse"), pulls, strict=True)]
    axis = Axis("how much more than the reference the policy likes the better one", "nats")
    return Figure("Loss of one example", "lines", axis, Axis("loss, and its gradients"), series)


def _side(gain_E: Tensor) -> Pass:
    return Pass((REFERENCE + gain_E)[:, None], torch.ones(len(gain_E), 1, dtype=torch.bool))


def _pairs(good_E: Tensor, bad_E: Tensor) -> Pairs:
    return Pairs(_side(good_E), _side(bad_E))


def _labelled(gain_E: Tensor, good: bool) -> dict[str, object]:
    good_E = torch.full(gain_E.shape, good)
    now, then = Labelled(_side(gain_E), good_E), Labelled(_side(torch.zeros(len(gain_E))), good_E)
    return {"labelled": now, "ref_labelled": then, "kl": torch.tensor(0.0)}
