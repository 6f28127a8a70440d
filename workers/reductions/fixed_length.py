"""Fixed length: each completion's sum over tokens, divided by one constant for all.

Dr. GRPO's choice: a token weighs the same in a short and in a long completion and in every batch, so that length is
neither favoured nor punished. Pick it with group-relative credit without deviation. A completion without a chosen
token counts not.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Source, Whole
from workers.engine.masks import chosen_rows

CARD = Card(
    title="Fixed length (Dr. GRPO)",
    formula=r"w_{i,t} = \frac{1}{N\,L}",
    source=Source("Liu et al., 2025", "arXiv:2503.20783", "section 3.2", "https://arxiv.org/abs/2503.20783"),
    symbols={
        "w_{i,t}": "weight of token t of completion i",
        "N": "completions in the batch",
        "L": "the constant, as a rule the longest completion allowed",
    },
    relatives=("reductions/token_mean", "reductions/sequence_mean"),
)


def weigh(
    mask_NT: Tensor,
    *,
    length: Annotated[int, Whole(1), "tokens that each completion's sum is divided by"] = 48,
) -> Tensor:
    """Weights of shape (N, T), zero outside the mask; their sum is the mean length over `length`."""
    return mask_NT.float() / (length * chosen_rows(mask_NT))
