"""Repetition: the share of distinct n-grams; 1 when nothing is repeated, near 0 for a loop.

Pick it when a policy falls into loops, or pads its text to please another reward. Long honest texts repeat some
n-grams too, and more so for small n: it also favours short texts a little.
"""

from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Source, Whole

CARD = Card(
    title="Repetition",
    formula=r"r_i = \frac{|\{\text{n-grams of } y_i\}|}{|y_i| - n + 1}",
    source=Source("Li et al., 2016", "arXiv:1510.03055", "section 5.3, distinct-n", "https://arxiv.org/abs/1510.03055"),
    symbols={
        "r_i": "reward of completion i",
        "n": "how many words or characters make an n-gram",
        "|y_i|": "their number",
    },
    relatives=("rewards/brevity",),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    *,
    n: Annotated[int, Whole(1, 20), "length of an n-gram"] = 3,
    unit: Annotated[str, Choice(("words", "characters")), "what an n-gram is made of"] = "words",
) -> list[float | None]:
    """The share of distinct n-grams in each completion; 1.0 for one with fewer than n words or characters."""
    return [_distinct(text.split() if unit == "words" else list(text), n) for text in answers.texts]


def _distinct(items: list[str], n: int) -> float:
    grams = [tuple(items[start : start + n]) for start in range(len(items) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0
