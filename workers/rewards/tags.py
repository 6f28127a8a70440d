"""Tags: 1 where every named tag stands exactly once, opened and closed, one after the other in the given order.

Pick it to teach a layout such as `<think>…</think><answer>…</answer>` beside a reward for content. Unlike a pattern it
cannot be earned by repeating a tag or by nesting one in another. Only `<name>` as it is written is a tag; blanks around
tags never matter. Alone it is earned by empty tags, unless they must be filled.
"""

import re
from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Flag, Source, Text

CARD = Card(
    title="Tags",
    formula=r"r_i = \prod_k \mathbb{1}[\,n_k = m_k = 1\,] \cdot \mathbb{1}[\,p_1 < q_1 < p_2 < \dots < q_K\,]",
    source=Source(
        "DeepSeek-AI, 2025", "arXiv:2501.12948", "section 2.2.2, format rewards", "https://arxiv.org/abs/2501.12948"
    ),
    symbols={
        "r_i": "reward of completion i",
        "n_k": "how often tag k is opened",
        "m_k": "how often it is closed",
        "p_k": "where it opens",
        "q_k": "where it closes; K is the last",
    },
    relatives=("rewards/format", "rewards/json_schema"),
    bounds=(0.0, 1.0),
)

NAME, MOST = re.compile(r"[A-Za-z_][\w.-]{0,39}"), 20


def reward(
    answers: Answers,
    *,
    names: Annotated[str, Text(400), "names of the tags in their order, with commas between them"] = "think, answer",
    position: Annotated[
        str, Choice(("whole", "start", "end", "anywhere")), "where the tags stand; whole: with nothing outside them"
    ] = "whole",
    filled: Annotated[bool, Flag(), "a tag with nothing but blanks in it does not count"] = False,
) -> list[float | None]:
    """1.0 or 0.0 a completion. ValueError for names that are none, that repeat, or that are more than twenty."""
    wanted = _names(names)
    return [float(_stands(text, wanted, position, filled)) for text in answers.texts]


def _names(text: str) -> list[str]:
    found = [name.strip() for name in text.split(",")]
    wrong = [name for name in found if not NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no name of a tag: letters, digits, _ . and -, a letter first")
    if len(set(found)) < len(found) or len(found) > MOST:
        raise ValueError(f"the names of tags differ, and there are at most {MOST}")
    return found


def _stands(text: str, names: list[str], position: str, filled: bool) -> bool:
    at, outside = 0, []  # where the last tag ended, and what stands before each tag
    for name in names:
        opening, closing = f"<{name}>", f"</{name}>"
        if text.count(opening) != 1 or text.count(closing) != 1:
            return False
        start, end = text.index(opening), text.index(closing)
        if start < at or end < start or (filled and not text[start + len(opening) : end].strip()):
            return False
        outside.append(text[at:start])
        at = end + len(closing)
    empty = [not part.strip() for part in (*outside, text[at:])]
    return {"whole": all(empty), "start": empty[0], "end": empty[-1], "anywhere": True}[position]
