"""Verified: what the task's own verifier says of each completion, 1 right and 0 wrong.

Pick it for built-in tasks: each knows best what counts as right. Prompt sets without a verifier need a reward that
reads their columns instead.
"""

from workers.contract.answers import Answers
from workers.contract.card import Card, Source

CARD = Card(
    title="Verified by the task",
    formula=r"r_i = v(x_i, y_i)",
    source=Source(
        "Lambert et al., 2024", "arXiv:2411.15124", "section 6, verifiable rewards", "https://arxiv.org/abs/2411.15124"
    ),
    symbols={
        "r_i": "reward of completion i",
        "v": "the task's verifier",
        "x_i": "the problem",
        "y_i": "the completion",
    },
    relatives=("rewards/exact_answer", "rewards/numeric_answer"),
    bounds=(0.0, 1.0),
)


def reward(answers: Answers) -> list[float | None]:
    """The verdicts; None where there is none. ValueError when the prompts come from a place without a verifier."""
    if answers.texts and not answers.verdicts:
        raise ValueError(
            "these prompts have no verifier; choose a reward that compares with a column, such as numeric_answer"
        )
    return list(answers.verdicts)
