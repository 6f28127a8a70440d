"""What a network gives at the places that predict chosen tokens: from packed lines where these are exact for it, else
row by row with its padding."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workers.engine.packed import pack
from workers.engine.tensors import Rollouts

Network = Callable[..., Tensor]
"""Takes transformers' names for its inputs; gives hidden states or logits at each place, (rows, places, X)."""


def at_chosen(network: Network, rollouts: Rollouts, *, packs: bool) -> Tensor:
    """The network's outputs one place before each chosen token: (M, X), in the order in which the mask lists them."""
    line = pack(rollouts) if packs else None
    if line is not None:
        return functional.embedding(line.pick_M, network(**line.asked())[0])
    return network(**_asked(rollouts))[:, rollouts.prompt_NL.shape[1] - 1 : -1][rollouts.mask_NT]


def _asked(rollouts: Rollouts) -> dict[str, Any]:
    """Each row's prompt and completion side by side."""
    prompt_mask_NL, mask_NT = rollouts.prompt_mask_NL, rollouts.mask_NT
    # Padding behind a completion needs no mask: causal attention never looks ahead.
    present = torch.cat([prompt_mask_NL, torch.ones_like(mask_NT)], dim=1)
    return {
        "input_ids": torch.cat([rollouts.prompt_NL, rollouts.token_NT], dim=1),
        "attention_mask": None if bool(prompt_mask_NL.all()) else present.long(),
        "position_ids": (present.long().cumsum(1) - 1).clamp(min=0),
        "use_cache": False,
    }
