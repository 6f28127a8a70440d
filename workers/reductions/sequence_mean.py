"""Sequence mean: every completion has the same weight, shared out over its tokens.

The original GRPO. Pick it when completions should count alike whatever their length. A token of a long completion
weighs less, so long wrong answers are punished less a token and answers may grow. A completion without a chosen token
counts not.
"""

from torch import Tensor

from workers.contract.card import Card, Source
from workers.engine.masks import chosen_rows

CARD = Card(
    title="Sequence mean",
    formula=r"w_{i,t} = \frac{1}{N\,|y_i|}",
    source=Source("Shao et al., 2024", "arXiv:2402.03300", "eq. 3", "https://arxiv.org/abs/2402.03300"),
    symbols={
        "w_{i,t}": "weight of token t of completion i",
        "N": "completions in the batch",
        "|y_i|": "chosen tokens of completion i",
    },
    relatives=("reductions/token_mean", "reductions/fixed_length"),
    doubts="On the length bias: Liu et al., 2025 (Dr. GRPO), arXiv:2503.20783, section 3.1.",
)


def weigh(mask_NT: Tensor) -> Tensor:
    """Weights of shape (N, T) that sum to 1, zero outside the mask; all zero for an empty mask."""
    length_N = mask_NT.sum(dim=1, keepdim=True).clamp(min=1)
    return mask_NT.float() / length_N / chosen_rows(mask_NT)
