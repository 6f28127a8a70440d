"""Weighting: the weights of two rewards as their gradients turn from agreeing to opposing."""

from collections.abc import Mapping
from math import cos, radians

import torch

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Progress, Weights

LENGTHS = (1.0, 0.5)  # the two gradients' norms


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Two lines over the angle between the gradients."""
    angles = list(range(0, 181, 5))
    reward_NK = torch.tensor([[1.0, 0.2], [0.0, 0.9], [1.0, 0.4], [0.0, 0.1]])
    weights = []
    for angle in angles:
        inner = LENGTHS[0] * LENGTHS[1] * cos(radians(angle))
        gram_KK = torch.tensor([[LENGTHS[0] ** 2, inner], [inner, LENGTHS[1] ** 2]])
        supplied = {"weight_K": torch.tensor([0.5, 0.5]), "reward_NK": reward_NK, "gram_KK": gram_KK, "memory": {}}
        made: Weights = call(loaded, {**supplied, "progress": Progress(1, 10)}, params)
        weights.append(made.weight_K)
    weight_RK = torch.stack(weights)
    series = [Series(f"gradient of length {LENGTHS[k]:g}", places(angles), numbers(weight_RK[:, k])) for k in (0, 1)]
    return Figure("Weights of two rewards", "lines", Axis("angle between their gradients", "°"), Axis("weight"), series)
