"""Reductions: what a token and a whole completion weigh, by the completion's length."""

from collections.abc import Mapping

import torch
from torch import Tensor

from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers

LONGEST = 48


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Two lines over a batch with one completion of each length from 1 to 48; 1 is the mean of the batch."""
    length_N = torch.arange(1, LONGEST + 1)
    mask_NT = torch.arange(LONGEST)[None] < length_N[:, None]
    weight_NT: Tensor = call(loaded, {"mask_NT": mask_NT, "group_N": length_N % 8}, params)
    total = weight_NT.sum()
    x = [int(length) for length in length_N]
    series = [
        Series("one token", x, numbers(weight_NT[:, 0] * mask_NT.sum() / total)),
        Series("the whole completion", x, numbers(weight_NT.sum(dim=1) * LONGEST / total)),
    ]
    note = f"All weights of this batch sum to {float(total):.4g}."
    return Figure(
        "Weight by length",
        "lines",
        Axis("length of the completion", "tokens"),
        Axis("weight, 1 is the mean"),
        series,
        note,
    )
