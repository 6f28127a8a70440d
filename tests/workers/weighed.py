"""Masks of rows with given lengths, and a reduction's weights on them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.engine.load import call, load


def lengths(given: Sequence[int], width: int = 6) -> Tensor:
    """A mask with the first tokens of each row chosen."""
    return torch.arange(width)[None] < torch.tensor(given)[:, None]


def weights(name: str, mask_NT: Tensor, **params: object) -> Tensor:
    """What a reduction says of a mask."""
    weight_NT = call(load("reductions", name), {"mask_NT": mask_NT}, params)
    assert isinstance(weight_NT, Tensor)
    return weight_NT
