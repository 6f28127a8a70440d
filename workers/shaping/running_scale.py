"""Scales or clips a reward by what it has been so far: mean and deviation, smallest and largest, or a fixed ceiling.

The usual shapings that PAR is compared with. Numbers run over all rewards of the run, the step's own among them before
it is shaped, so the same score may count differently later. Nothing is compared with the reference policy. None of
them, the vanilla reward, is the run without a shaping.
"""

from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Real, Source, Whole
from workers.engine.tensors import Shaped

CARD = Card(
    title="Running scale of a reward",
    formula=r"r' = \frac{r - \mu}{s} \quad \text{or} \quad \min(\max(r, \mu - s), \mu + s) \quad \text{or} \quad "
    r"\frac{r - a}{b - a} \quad \text{or} \quad \min(r, C)",
    source=Source(
        "Fu et al., 2025",
        "arXiv:2502.18770",
        "code: trainers/reward_shaper.py at github.com/PorUna-byte/PAR",
        "https://arxiv.org/abs/2502.18770",
    ),
    symbols={
        "r'": "the reward after shaping",
        "r": "the reward before",
        r"\mu": "mean of the rewards so far",
        "s": "their deviation (n); 1 where it is 0",
        "a": "the smallest so far",
        "b": "the largest so far",
        "C": "the ceiling",
    },
    relatives=("shaping/par",),
)


def shape(
    value_NK: Tensor,
    valid_NK: Tensor,
    memory: Mapping[str, Tensor],
    *,
    shaping: Annotated[str, Choice(("meanstd", "clip", "minmax", "ceil")), "how rewards are scaled"] = "meanstd",
    ceiling: Annotated[float, Real(), "rewards above it count as it (ceil)"] = 1.0,
    reward: Annotated[int, Whole(0, 16), "which reward, in their order from 1; 0 for all"] = 0,
) -> Shaped:
    """The rewards with one column or all of them scaled (0 where smallest and largest are one); ValueError when there
    is no such column."""
    if reward > value_NK.shape[1]:
        raise ValueError(f"reward {reward} is to be shaped, and there are {value_NK.shape[1]}")
    value_NK = torch.where(valid_NK, value_NK.detach(), 0.0)
    kept = _kept(value_NK.double(), valid_NK, memory)
    shaped_NK = _shaped(value_NK.double(), kept, shaping, ceiling).to(value_NK.dtype)
    if reward:
        others_K = torch.arange(value_NK.shape[1], device=value_NK.device) != reward - 1
        shaped_NK = torch.where(others_K, value_NK, shaped_NK)
    return Shaped(shaped_NK, kept)


def _kept(value_NK: Tensor, valid_NK: Tensor, memory: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """How many values each reward had so far, their mean, the sum of their squared distances from it, and the smallest
    and the largest: those of the memory and of the step, as if they had come together."""
    now = _of_step(value_NK, valid_NK)
    if not memory:
        return now
    was = {name: tensor.to(value_NK) for name, tensor in memory.items()}
    count_K = was["count"] + now["count"]
    share_K = now["count"] / count_K.clamp(min=1)
    gap_K = now["mean"] - was["mean"]
    first_K, none_K = was["count"] == 0, now["count"] == 0
    return {
        "count": count_K,
        "mean": was["mean"] + gap_K * share_K,
        "square": was["square"] + now["square"] + gap_K.square() * was["count"] * share_K,
        **{
            name: torch.where(first_K, now[name], torch.where(none_K, was[name], most(was[name], now[name])))
            for name, most in (("low", torch.minimum), ("high", torch.maximum))
        },
    }


def _of_step(value_NK: Tensor, valid_NK: Tensor) -> dict[str, Tensor]:
    count_K = valid_NK.sum(dim=0).to(value_NK)
    mean_K = value_NK.sum(dim=0) / count_K.clamp(min=1)
    nothing_K = count_K == 0
    return {
        "count": count_K,
        "mean": mean_K,
        "square": (value_NK - mean_K).square().masked_fill(~valid_NK, 0.0).sum(dim=0),
        "low": value_NK.masked_fill(~valid_NK, torch.inf).amin(dim=0).masked_fill(nothing_K, 0.0),
        "high": value_NK.masked_fill(~valid_NK, -torch.inf).amax(dim=0).masked_fill(nothing_K, 0.0),
    }


def _shaped(value_NK: Tensor, kept: Mapping[str, Tensor], shaping: str, ceiling: float) -> Tensor:
    if shaping == "ceil":
        return value_NK.clamp(max=ceiling)
    if shaping == "minmax":
        width_K = kept["high"] - kept["low"]
        return torch.where(width_K == 0, 0.0, (value_NK - kept["low"]) / width_K.where(width_K != 0, 1.0))
    deviation_K = (kept["square"] / kept["count"].clamp(min=1)).sqrt()
    # Of equal rewards a mean that rounds would leave a deviation.
    deviation_K = deviation_K.where(kept["low"] < kept["high"], 1.0)
    if shaping == "clip":
        return value_NK.clamp(kept["mean"] - deviation_K, kept["mean"] + deviation_K)
    return (value_NK - kept["mean"]) / deviation_K
