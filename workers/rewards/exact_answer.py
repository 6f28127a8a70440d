"""Exact answer: 1 where the text after the last marker is the reference answer, else 0.

Pick it when a task asks for an answer in a fixed place and there is one way to write it. Only blanks are forgiven:
`07` is not `7`. For numbers in free text pick the numeric answer. Without a marker in the completion there is no
answer.
"""

from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Flag, Source, Text

CARD = Card(
    title="Exact answer",
    formula=r"r_i = \mathbb{1}[\,a(y_i) = a^{*}_i\,]",
    source=Source(
        "DeepSeek-AI, 2025", "arXiv:2501.12948", "section 2.2.2, accuracy rewards", "https://arxiv.org/abs/2501.12948"
    ),
    symbols={"r_i": "reward of completion i", "a(y_i)": "text after the last marker", "a^{*}_i": "reference answer"},
    relatives=("rewards/numeric_answer", "rewards/verified", "rewards/format"),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    *,
    marker: Annotated[str, Text(40), "the answer stands after the last of these"] = "#",
    column: Annotated[str, Text(80), "column of the prompts that holds the reference answer"] = "answer",
    ignore_case: Annotated[bool, Flag(), "upper and lower case are the same"] = False,
) -> list[float | None]:
    """1.0 or 0.0 a completion; None where the prompt has no reference answer. ValueError for an unknown column."""
    return [
        None if reference is None else float(_answer(text, marker, ignore_case) == _plain(str(reference), ignore_case))
        for text, reference in zip(answers.texts, answers.column(column), strict=True)
    ]


def _answer(text: str, marker: str, ignore_case: bool) -> str | None:
    _, found, answer = text.rpartition(marker)
    return _plain(answer, ignore_case) if found else None


def _plain(text: str, ignore_case: bool) -> str:
    joined = " ".join(text.split())
    return joined.casefold() if ignore_case else joined
