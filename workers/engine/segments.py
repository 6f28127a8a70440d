"""Where the steps of a completion begin: a step is a line, its break included."""

import torch
from torch import Tensor

from workers.engine.pieces import Pieces
from workers.engine.tensors import Rollouts


def steps_of(pieces: Pieces, rollouts: Rollouts) -> Tensor:
    """The number of each chosen token's line, from 0, (N, T); −1 outside the mask. A token that holds a break ends its
    line."""
    ids = torch.unique(rollouts.token_NT).tolist()
    breaks = torch.tensor([token for token in ids if b"\n" in pieces.bytes_of(token)], dtype=torch.long)
    ends_NT = torch.isin(rollouts.token_NT, breaks.to(rollouts.token_NT.device)) & rollouts.mask_NT
    number_NT = ends_NT.cumsum(dim=1) - ends_NT.long()
    return torch.where(rollouts.mask_NT, number_NT, -1)
