"""Format: 1 where the completion matches a regular expression, else 0.

Pick it to teach a shape (tags, an answer marker, no chatter) beside a reward for content. Alone it is earned by any
text of the right shape, so give it a small weight.
"""

from typing import Annotated

import regex

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Source, Text

CARD = Card(
    title="Format",
    formula=r"r_i = \mathbb{1}[\,y_i \text{ matches the pattern}\,]",
    source=Source(
        "DeepSeek-AI, 2025", "arXiv:2501.12948", "section 2.2.2, format rewards", "https://arxiv.org/abs/2501.12948"
    ),
    symbols={"r_i": "reward of completion i", "y_i": "text of completion i"},
    relatives=("rewards/exact_answer",),
    bounds=(0.0, 1.0),
)

SECONDS = 1.0


def reward(
    answers: Answers,
    *,
    pattern: Annotated[
        str, Text(2000, pattern=True), "regular expression; a dot also matches a line break"
    ] = r"[^#]*#\s*-?\d+\s*",
    match: Annotated[str, Choice(("whole", "anywhere")), "match the whole completion, or a part of it"] = "whole",
) -> list[float | None]:
    """1.0 or 0.0 a completion. ValueError when matching one text takes more than a second: the pattern explodes."""
    compiled = regex.compile(pattern, regex.DOTALL)
    find = compiled.fullmatch if match == "whole" else compiled.search
    try:
        return [float(find(text, timeout=SECONDS) is not None) for text in answers.texts]
    except TimeoutError:
        what = f"the pattern {pattern!r} takes more than {SECONDS:g} s on one completion; avoid repeats inside repeats"
        raise ValueError(what) from None
