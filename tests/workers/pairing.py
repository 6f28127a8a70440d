"""Pairs and labelled completions from numbers, for tests of preference losses."""

from typing import Any

import torch
from torch import Tensor

from workers.engine.load import call, load
from workers.engine.tensors import Labelled, Pairs, Pass

Rows = list[list[float]]


def side(rows: Rows, junk: float = 0.0) -> Pass:
    """Completions of different lengths; `junk` stands behind each."""
    longest = max(len(row) for row in rows)
    logp_ET = torch.tensor([row + [junk] * (longest - len(row)) for row in rows], dtype=torch.float64)
    mask_ET = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in rows])
    return Pass(logp_ET, mask_ET)


def pairs(chosen: Rows, rejected: Rows, junk: float = 0.0) -> Pairs:
    """One pair a row."""
    return Pairs(side(chosen, junk), side(rejected, junk))


def labelled(rows: Rows, good: list[bool], junk: float = 0.0) -> Labelled:
    """One completion a row."""
    return Labelled(side(rows, junk), torch.tensor(good))


def loss_of(name: str, supplied: dict[str, Any], **params: Any) -> Tensor:
    """A preference method's losses, (E,)."""
    made = call(load("preferences", name), supplied, params)
    assert isinstance(made, Tensor)
    return made


CHOSEN: Rows = [[-0.8, -1.2, -0.4], [-0.5, -2.0]]
REJECTED: Rows = [[-0.9, -1.6], [-0.7, -0.2, -1.1, -0.3]]


def given(junk: float = 0.0) -> dict[str, Any]:
    """Everything that a preference method may ask for, on two pairs of uneven lengths."""

    def moved(rows: Rows, by: float) -> Rows:
        return [[value + by * (1 + place) for place, value in enumerate(row)] for row in rows]

    return {
        "pairs": pairs(CHOSEN, REJECTED, junk),
        "ref_pairs": pairs(moved(CHOSEN, -0.1), moved(REJECTED, 0.07), junk),
        "previous_pairs": pairs(moved(CHOSEN, -0.03), moved(REJECTED, 0.02), junk),
        "guide_pairs": pairs(moved(CHOSEN, 0.2), moved(REJECTED, -0.15), junk),
        "labelled": labelled(CHOSEN, [True, False], junk),
        "ref_labelled": labelled(moved(CHOSEN, -0.1), [True, False], junk),
        "kl": torch.tensor(0.05, dtype=torch.float64),
    }
