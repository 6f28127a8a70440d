"""One token at a given distance from the reference, for numbers worked out by hand."""

from dataclasses import replace

import torch

from tests.workers.stage import Stage, stage
from workers.engine.tensors import Pass


def held(distance: float, entropy: float = 0.0) -> Stage:
    """A batch of one token whose log-probability lies `distance` nats above the reference's."""
    mask_NT = torch.ones((1, 1), dtype=torch.bool)
    ref_NT = torch.full((1, 1), -2.0, dtype=torch.float64)
    now = Pass(ref_NT + distance, mask_NT, torch.full((1, 1), entropy, dtype=torch.float64))
    return replace(
        stage(), now=now, was=Pass(ref_NT, mask_NT), ref_logp_NT=ref_NT, advantage_NT=torch.zeros_like(ref_NT)
    )
