"""Fixed length: each completion's sum over tokens, divided by one constant for all.

Dr. GRPO's choice: a token weighs the same in a short and in a long completion and in every batch, so that length is
neither favoured nor punished. Pick it with group-relative credit without deviation. A completion without a chosen
token counts not.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Exhibit, Source, Whole
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
    exhibit=Exhibit(
        claim="Dr. GRPO beside GRPO: without the divisions by length and by the deviation completions end no longer, "
        "and accuracy rises no slower.",
        watch=("length", "heldout/accuracy"),
        better="lower",
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
        },
        baseline={"reduction": {"kind": "reductions", "name": "sequence_mean", "params": {}}},
        variant={
            "credit": {"kind": "credit", "name": "grpo", "params": {"norm": "none"}},
            "reduction": {"kind": "reductions", "name": "fixed_length", "params": {}},
        },
        found="Completions of 16.9 tokens against 17.1 (GRPO), difference -0.21 [-0.56, +0.15], and held-out "
        "accuracy 0.532 against 0.530, difference +0.002 [-0.030, +0.034], over three seeds of 25 steps: no "
        "longer and no slower, as far as these seeds tell, which do not tell the two apart.",
    ),
)


def weigh(
    mask_NT: Tensor,
    *,
    length: Annotated[int, Whole(1), "tokens that each completion's sum is divided by"] = 48,
) -> Tensor:
    """Weights of shape (N, T), zero outside the mask; their sum is the mean length over `length`."""
    return mask_NT.float() / (length * chosen_rows(mask_NT))
