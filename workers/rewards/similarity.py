"""Similarity: how alike a completion and the reference answer are, from 0 to 1.

Pick it where there are many good wordings near one reference: titles, names, short translations. It compares letters
and words and knows no meaning: `hot` and `not` are alike, `big` and `large` are not, and a text that says the opposite
in the same words earns nearly 1. Of long texts the first 10,000 letters count.
"""

from typing import Annotated

from rapidfuzz import fuzz

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Flag, Source, Text

CARD = Card(
    title="Similarity",
    formula=r"r_i = \frac{2\, M(y_i, a^{*}_i)}{|y_i| + |a^{*}_i|} \quad\text{or}\quad "
    r"r_i = \frac{|W(y_i) \cap W(a^{*}_i)|}{|W(y_i) \cup W(a^{*}_i)|}",
    source=Source(
        "Wei et al., 2025",
        "arXiv:2502.18449",
        "similarity to the reference as reward",
        "https://arxiv.org/abs/2502.18449",
    ),
    symbols={
        "y_i": "text of completion i, whose reward is r_i",
        "a^{*}_i": "reference answer",
        "M": "length of the longest common subsequence of letters (after sorting the words, if asked for)",
        "W": "set of words",
    },
    relatives=("rewards/exact_answer",),
    bounds=(0.0, 1.0),
)

LONGEST = 10_000


def reward(
    answers: Answers,
    *,
    measure: Annotated[
        str, Choice(("letters", "sorted words", "set of words")), "letters; letters of the sorted words; or Jaccard"
    ] = "letters",
    marker: Annotated[
        str, Text(40, empty=True), "only what stands after the last of these counts; empty: the whole completion"
    ] = "",
    column: Annotated[str, Text(80), "column of the prompts that holds the reference answer"] = "answer",
    ignore_case: Annotated[bool, Flag(), "upper and lower case are the same"] = True,
) -> list[float | None]:
    """A number from 0 to 1 a completion, 0 where the marker is missing; None where the prompt has no reference answer.
    ValueError for an unknown column."""
    return [
        None if reference is None else _value(text, marker, str(reference), measure, ignore_case)
        for text, reference in zip(answers.texts, answers.column(column), strict=True)
    ]


def _value(text: str, marker: str, reference: str, measure: str, ignore_case: bool) -> float:
    _, found, answer = text.rpartition(marker) if marker else ("", True, text)
    if not found:
        return 0.0
    one, other = (" ".join(part[:LONGEST].split()) for part in (answer, reference))
    if ignore_case:
        one, other = one.casefold(), other.casefold()
    if measure == "set of words":
        words, known = set(one.split()), set(other.split())
        return len(words & known) / len(words | known) if words | known else 1.0
    if not one or not other:
        return float(one == other)  # the library's word for nothing beside nothing differs from measure to measure
    return (fuzz.ratio if measure == "letters" else fuzz.token_sort_ratio)(one, other) / 100
