"""Format: 1 where the completion matches a regular expression, else 0.

Pick it to teach a shape (tags, an answer marker, no chatter) beside a reward for content. Alone it is earned by any
text of the right shape, so give it a small weight. For tags, each once and in order, there is a reward of its own.
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
    relatives=("rewards/exact_answer", "rewards/tags", "rewards/json_schema"),
    bounds=(0.0, 1.0),
)

SECONDS = 1.0


def reward(
    answers: Answers,
    *,
    pattern: Annotated[
        str, Text(2000, pattern=True), "regular expression; a dot also matches a line break"
    ] = r"[^#]*#\s*-?\d+\s*",
    match: Annotated[
        str, Choice(("whole", "start", "end", "anywhere")), "what has to match: the whole completion, or a part there"
    ] = "whole",
) -> list[float | None]:
    """1.0 or 0.0 a completion. ValueError when matching one text takes more than a second: the pattern explodes."""
    compiled = regex.compile(pattern, regex.DOTALL)
    if match == "end":
        closing = "\n)" if compiled.flags & regex.VERBOSE else ")"  # there a comment would swallow the bracket
        compiled = regex.compile(rf"(?:{pattern}{closing}\Z", regex.DOTALL)
    find = {"whole": compiled.fullmatch, "start": compiled.match}.get(match, compiled.search)
    try:
        return [float(find(text, timeout=SECONDS) is not None) for text in answers.texts]
    except TimeoutError:
        what = f"the pattern {pattern!r} takes more than {SECONDS:g} s on one completion; avoid repeats inside repeats"
        raise ValueError(what) from None
