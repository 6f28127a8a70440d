"""Compares a score with scores of the reference policy's answers to the same prompt: the chance that it beats them.

Pick it against reward hacking where a reward model's score rises without end: what is learned from is bounded, grows
fast near the reference and slowly far above it (PAR). The others are there to be compared with it: differences alone,
other bends, and slow growth first. Scores of as many completions of each prompt as `references` says are taken from the
model of step 0, once a prompt: that costs sampling. One is enough, says the paper. Where no reference has a value it
counts as 0. Not `compared`, the score is bent by itself and nothing is sampled.
"""

from functools import cache
from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Flag, Real, Source, Whole
from workers.engine.tensors import RefValues, Shaped

CARD = Card(
    title="Preference as reward (PAR)",
    formula=r"r' = \frac{1}{M} \sum_{j=1}^{M} \sigma\bigl(k\,(r - r^{ref}_j)\bigr)",
    source=Source(
        "Fu et al., 2025",
        "arXiv:2502.18770",
        "code: trainers/reward_shaper.py at github.com/PorUna-byte/PAR",
        "https://arxiv.org/abs/2502.18770",
    ),
    symbols={
        "r'": "the reward after shaping",
        "r": "the reward before",
        r"r^{ref}_j": "reward of the reference's completion j of the same prompt",
        "M": "references of a prompt",
        "k": "slope",
        r"\sigma": "the sigmoid",
    },
    relatives=("shaping/running_scale", "shaping/overlong"),
    departs=(
        Departure("keeps order within a column", "each prompt has its own references, so prompts are not comparable"),
    ),
    exhibit=Exhibit(
        claim="A score that pays a rare kind of answer far too much (30 for being right without any working, 1 for all "
        "other right ones) is chased although that seldom succeeds. Compared with the reference's scores it is "
        "bounded, and more answers are right.",
        watch=("heldout/accuracy", "length"),
        shared={
            "budget.steps": 40,
            "credit": {"kind": "credit", "name": "grpo", "params": {"norm": "none"}},
            "rewards": [
                {"label": "correct", "name": "verified", "weight": 0.0},
                {
                    "label": "proxy",
                    "name": "code:1@1",
                    "source": "def reward(completions, answer, **columns):\n"
                    "    return [score(c, a) for c, a in zip(completions, answer)]\n\n\n"
                    "def score(c, a):\n"
                    "    return (30.0 if c[0] == '#' else 1.0) if c.rpartition('#')[2] == a else 0.0\n",
                },
            ],
        },
        variant={"shaping": [{"kind": "shaping", "name": "par", "params": {"references": 4, "reward": 2}}]},
        found="It appears. Held-out accuracy, mean of its last five points, is 0.801 against 0.341 without "
        "shaping, difference +0.460 [+0.377, +0.543] over three seeds of 40 steps; completions have 18.7 "
        "tokens against 8.0, +10.7 [+9.3, +12.0].",
    ),
)

QUANTILE = 1.0364333894937898  # below it lie 85 % of a standard normal
LATE = 3.0  # how far above the references the slow variant begins to grow


def shape(
    value_NK: Tensor,
    valid_NK: Tensor,
    ref_values: RefValues,
    *,
    shaping: Annotated[
        str, Choice(("par", "centred", "tanh", "arctan", "poly", "sgfc", "lsc")), "how the difference is bent"
    ] = "par",
    k: Annotated[float, Real(0.1, 5), "slope of the sigmoid (par, sgfc)"] = 1.0,
    references: Annotated[int, Whole(1, 32), "completions of the reference that each prompt is compared with"] = 10,
    compared: Annotated[bool, Flag(), "with the reference; otherwise the score by itself is bent"] = True,
    reward: Annotated[int, Whole(0, 16), "which reward, in their order from 1; 0 for all"] = 0,
) -> Shaped:
    """The rewards with one column or all of them compared; ValueError when there is no such column."""
    if reward > value_NK.shape[1]:
        raise ValueError(f"reward {reward} is to be shaped, and there are {value_NK.shape[1]}")
    value_NK = torch.where(valid_NK, value_NK.detach(), 0.0)
    ref_NKJ = ref_values(references).to(value_NK) if compared else torch.zeros_like(value_NK)[..., None]
    ref_NKJ = torch.where(ref_NKJ.isnan().all(dim=-1, keepdim=True), 0.0, ref_NKJ)
    shaped_NK = _shaped(value_NK, ref_NKJ, shaping, k)
    if reward:
        others_K = torch.arange(value_NK.shape[1], device=value_NK.device) != reward - 1
        shaped_NK = torch.where(others_K, value_NK, shaped_NK)
    return Shaped(shaped_NK)


def _shaped(value_NK: Tensor, ref_NKJ: Tensor, shaping: str, k: float) -> Tensor:
    if shaping == "lsc":
        mean_NK, count_NK = _over_references(ref_NKJ), (~ref_NKJ.isnan()).sum(dim=-1)
        square_NK = (ref_NKJ - mean_NK[..., None]).square().nansum(dim=-1)
        std_NK = (square_NK / (count_NK - 1).clamp(min=1)).sqrt() + 1e-5
        return -torch.nn.functional.softplus(mean_NK + QUANTILE * std_NK - value_NK)  # log σ of the difference
    over_NKJ = value_NK[..., None] - ref_NKJ
    return _over_references(_bent(over_NKJ, shaping, k))


def _over_references(value_NKJ: Tensor) -> Tensor:
    """The average over those that have a value."""
    return value_NKJ.nansum(dim=-1) / (~value_NKJ.isnan()).sum(dim=-1)


def _bent(over_NKJ: Tensor, shaping: str, k: float) -> Tensor:
    if shaping == "par":
        return torch.sigmoid(k * over_NKJ)
    if shaping == "sgfc":
        return torch.sigmoid(k * (over_NKJ - LATE))
    if shaping == "poly":
        return _polynomial(over_NKJ)
    return {"centred": over_NKJ, "tanh": over_NKJ.tanh(), "arctan": over_NKJ.arctan()}[shaping]


def _polynomial(over_NKJ: Tensor) -> Tensor:
    """The sigmoid's polynomial between −5 and 5, 0 below and 1 above."""
    bent_NKJ = torch.zeros_like(over_NKJ)
    for coefficient in _coefficients():
        bent_NKJ = bent_NKJ * over_NKJ + coefficient
    return torch.where(over_NKJ < -5, 0.0, torch.where(over_NKJ > 5, 1.0, bent_NKJ))


@cache
def _coefficients() -> tuple[float, ...]:
    """Of the polynomial of degree 5 that is nearest to the sigmoid at 100 even places from −5 to 5, highest first."""
    place_M = torch.linspace(-5, 5, 100, dtype=torch.float64)
    powers = torch.stack([place_M**power for power in range(5, -1, -1)], dim=1)
    return tuple(torch.linalg.lstsq(powers, torch.sigmoid(place_M)[:, None]).solution[:, 0].tolist())
