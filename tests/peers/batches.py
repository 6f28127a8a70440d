"""The batches on which peers are recorded: small, awkward on purpose, and the same each time."""

from typing import Any

import torch
from torch import Tensor

VOCABULARY = 12
PROMPT = 3
# One row a completion: full, one token, short, a hole (a tool's token), and pairs of other lengths.
MASK = (
    (1, 1, 1, 1, 1, 1),
    (1, 0, 0, 0, 0, 0),
    (1, 1, 1, 0, 0, 0),
    (1, 1, 0, 1, 1, 0),
    (1, 1, 1, 1, 1, 0),
    (1, 1, 0, 0, 0, 0),
)
END = (6, 1, 3, 5, 5, 2)
ADVANTAGE = (1.25, -0.75, 0.5, -1.5, 0.0, 2.0)
# (row, position, log-ratio): bounds of every kind decide somewhere, on both signs of the advantage.
RATIOS = ((0, 1, 0.9), (0, 3, -0.8), (1, 0, 0.6), (2, 0, -0.5), (3, 0, 0.7), (3, 3, -0.9), (5, 1, 2.0))


def logits(seed: int, rows: int, length: int) -> Tensor:
    """Logits (rows, length, V) with a spread like that of a trained network."""
    return 1.5 * torch.randn(rows, length, VOCABULARY, generator=torch.Generator().manual_seed(seed))


def tokens(seed: int, rows: int, length: int) -> Tensor:
    """Token ids (rows, length), none of them padding or end."""
    return torch.randint(2, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


def logp_of(logits_NTV: Tensor, token_NT: Tensor) -> Tensor:
    """Log-probability of each token, nats."""
    chosen: Tensor = logits_NTV.log_softmax(-1).gather(-1, token_NT[..., None]).squeeze(-1)
    return chosen


def policy_batch() -> dict[str, Tensor]:
    """Logits, tokens, masks, advantages, and the log-probabilities of the sampling and of the reference policy.

    `mask_NT` is where the policy chose; `present_NT` has the tool's tokens too.
    """
    mask_NT = torch.tensor(MASK, dtype=torch.bool)
    rows, length = mask_NT.shape
    logits_NTV, token_NT = logits(1, rows, length), tokens(2, rows, length)
    logp_NT = logp_of(logits_NTV, token_NT)
    noise = torch.Generator().manual_seed(3)
    ratio_NT = 0.1 * torch.randn(rows, length, generator=noise)
    for row, position, value in RATIOS:
        ratio_NT[row, position] = value
    return {
        "logits_NTV": logits_NTV,
        "token_NT": token_NT,
        "mask_NT": mask_NT,
        "present_NT": torch.arange(length)[None] < torch.tensor(END)[:, None],
        "was_NT": logp_NT - ratio_NT,
        "ref_NT": logp_NT + 0.3 * torch.randn(rows, length, generator=noise),
        "advantage_N": torch.tensor(ADVANTAGE),
    }


def preference_batch() -> dict[str, Any]:
    """Four pairs: rows 0-3 are chosen, 4-7 the rejected ones of the same prompts; lengths differ within pairs.

    For the unpaired losses the same rows carry a label each; `kl_logits_NTV` belong to completions of other prompts.
    """
    length_N = torch.tensor([5, 2, 1, 4, 3, 5, 2, 4])
    rows, length = len(length_N), int(length_N.max())
    mask_NT = torch.arange(length)[None] < length_N[:, None]
    logits_NTV, token_NT = logits(4, rows, length), tokens(5, rows, length)
    noise = torch.Generator().manual_seed(6)
    logp_NT = logp_of(logits_NTV, token_NT)
    kl_logits_NTV, kl_token_NT = logits(7, rows, length), tokens(8, rows, length)
    kl_mask_NT = mask_NT.roll(1, 0)
    kl_logp_N = (logp_of(kl_logits_NTV, kl_token_NT) * kl_mask_NT).sum(1)
    return {
        "logits_NTV": logits_NTV,
        "token_NT": token_NT,
        "mask_NT": mask_NT,
        "ref_logp_N": ((logp_NT + 0.5 * torch.randn(rows, length, generator=noise)) * mask_NT).sum(1),
        "label_N": torch.tensor([True, True, True, True, False, False, False, False]),
        "kl_logits_NTV": kl_logits_NTV,
        "kl_token_NT": kl_token_NT,
        "kl_mask_NT": kl_mask_NT,
        # The policy has moved 0.4 nats up on average, so that the estimate is above zero and matters.
        "kl_ref_logp_N": kl_logp_N - 0.4 + 0.2 * torch.randn(rows, generator=noise),
    }
