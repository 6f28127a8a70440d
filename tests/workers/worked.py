"""Small batches for numbers worked out by hand: each letter is a token."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tests.workers.stage import Stage, answers, stage
from workers.engine.masks import on_last_token
from workers.engine.tensors import Rollouts


def rollouts(texts: Sequence[str], groups: Sequence[int] | None = None, holes: Sequence[Sequence[int]] = ()) -> Stage:
    """Completions of one letter a token, in one group unless `groups` says more; `holes[row]` are foreign positions."""
    longest, count = max(map(len, texts)), len(texts)
    token_NT = torch.tensor([[ord(letter) for letter in text.ljust(longest, "\0")] for text in texts])
    mask_NT = token_NT > 0
    for row, positions in enumerate(holes):
        mask_NT[row, list(positions)] = False
    batch = Rollouts(
        prompt_NL=torch.zeros((count, 1), dtype=torch.long),
        prompt_mask_NL=torch.ones((count, 1), dtype=torch.bool),
        token_NT=token_NT,
        mask_NT=mask_NT,
        logp_NT=torch.zeros(token_NT.shape),
        group_N=torch.tensor(groups if groups is not None else [0] * count),
        answers=answers(count),
    )
    return replace(stage(), rollouts=batch, reward_NT=torch.zeros(token_NT.shape))


def outcome(made: Stage, rewards: Sequence[float]) -> Tensor:
    """Each completion's reward on its last chosen token."""
    return on_last_token(torch.tensor(rewards, dtype=torch.float32), made.mask_NT)
