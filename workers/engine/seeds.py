"""Randomness by purpose: every draw follows from (seed, purpose, step) alone, so that a resumed run continues exactly.

No generator lives from one step to the next; nothing about randomness needs to be stored in a checkpoint.
"""

import random
from hashlib import blake2b

import torch


def derive(seed: int, purpose: str, step: int = 0) -> int:
    """A number of 63 bits that is unrelated for any two different (seed, purpose, step)."""
    return int.from_bytes(blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest(), "big") >> 1


def rng(seed: int, purpose: str, step: int = 0) -> random.Random:
    """A plain random source, for tasks and shuffling."""
    return random.Random(derive(seed, purpose, step))


def generator(seed: int, purpose: str, step: int = 0) -> torch.Generator:
    """A torch source on the processor; noise is moved to the device, so that devices draw the same."""
    return torch.Generator().manual_seed(derive(seed, purpose, step))


def settle(seed: int, step: int) -> None:
    """Seed the global sources as well, for libraries that draw from them without being asked to."""
    random.seed(derive(seed, "global", step))
    torch.manual_seed(derive(seed, "global torch", step))
