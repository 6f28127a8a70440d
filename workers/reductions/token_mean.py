"""Token mean: every chosen token of the batch has the same weight.

Long completions count more than short ones, in proportion to their length. Pick it as the default with token-level
credit (DAPO's choice); with sequence-level credit it lets long wrong answers push as hard as their length.
"""

from torch import Tensor

from workers.contract.card import Card, Source

CARD = Card(
    title="Token mean",
    formula=r"w_{i,t} = \frac{1}{\sum_j |y_j|}",
    source=Source("Yu et al., 2025", "arXiv:2503.14476", "section 3.3", "https://arxiv.org/abs/2503.14476"),
    symbols={"w_{i,t}": "weight of token t of completion i", "|y_j|": "chosen tokens of completion j"},
    relatives=("reductions/sequence_mean", "reductions/fixed_length"),
)


def weigh(mask_NT: Tensor) -> Tensor:
    """Weights of shape (N, T) that sum to 1, zero outside the mask; all zero for an empty mask."""
    return mask_NT.float() / mask_NT.sum().clamp(min=1)
