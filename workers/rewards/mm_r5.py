"""The answer is an order (MM-R5): relevant candidates earn by their place, and the printed list by its form.

Pick it where a model has to rank candidates: `<think>…</think><answer>[2, 1, 3]</answer>`. A relevant candidate at
place k earns 1/k^3, so the first place is worth nearly everything. Of the published reward this is all but the images.

Doubts of the catalogue: the weights of the two parts in the paper's text were not seen (the code adds them plainly).
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Exhibit, Flag, Real, Source, Text
from workers.contract.values import Values

CARD = Card(
    title="Reranking (MM-R5)",
    formula=r"r_i = \frac{\sum_{p \in P} k_p^{-a}}{\sum_{j=1}^{|P|} j^{-a}} + "
    r"w \cdot \frac{n - \left| |o| - n \right|}{n} \cdot \frac{|\{x \in o : 1 \le x \le n\}|}{|o|}",
    source=Source("Xu et al., 2025", "MM-R5: MultiModal Reasoning-Enhanced ReRanker", "i2vec/MM-R5 @0806019"),
    symbols={
        "P": "the relevant candidates",
        "k_p": "first place of candidate p in the printed list; absent ones earn nothing",
        "o": "the printed list",
        "n": "number of candidates",
        "a": "exponent of the place",
        "w": "weight of the form",
    },
    relatives=("rewards/format", "tasks/reranking"),
    bounds=(-1e6, 2.0),
    exhibit=Exhibit(
        claim="Five cards are more than the model was taught to order. Paid for each relevant card by its place, it "
        "puts all of them first sooner than paid for that alone: second place is nearly nothing, but not nothing.",
        watch=("heldout/accuracy", "dead_groups"),
        better="lower",
        shared={
            "model.name": "starter-skills",
            "prompts.task": {"kind": "tasks", "name": "reranking", "params": {"level": 3}},
            "max_new_tokens": 40,
            "optimiser.learning_rate": 1e-4,
            "budget.steps": 40,
            "budget.eval_every": 3,
            "rewards": [
                {"label": "first", "name": "verified", "weight": 0.0},
                {"label": "learned from", "name": "mm_r5"},
            ],
        },
        baseline={"rewards.1.name": "verified"},
        found="These seeds do not tell of the order: all relevant cards come first in 0.237 of the held-out answers "
        "against 0.234, mean of the last five points, difference +0.002 [-0.007, +0.011] over three seeds of 40 steps, "
        "not more often than in the retriever's order (0.266). There is more to learn from: without signal are 0.350 "
        "of the groups against 0.800, -0.450 [-0.654, -0.246].",
    ),
)
OPENING, CLOSING, STOP = re.compile(r"<answer>\["), "]</answer>", re.compile(r"[\]\n]")
THOUGHT = "<think>"
BEHIND = re.compile(r"</think>\s*<answer>\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]</answer>")
MOST_DIGITS = 9  # a longer number is no candidate's


def reward(
    answers: Answers,
    *,
    relevant: Annotated[str, Text(80), "column of the relevant candidates' numbers"] = "relevant",
    candidates: Annotated[
        str, Text(80), "column of how many candidates there are, or of the candidates"
    ] = "candidates",
    rank_power: Annotated[float, Real(1, 4), "exponent of the place"] = 3.0,
    format_weight: Annotated[float, Real(0, 1), "weight of the form"] = 1.0,
    dedupe: Annotated[bool, Flag(), "count a number that is printed twice once (not in the release)"] = False,
    clamp: Annotated[bool, Flag(), "a form worth less than nothing (a list of more than 2 n) is worth nothing"] = False,
    quirk: Annotated[bool, Flag(), "a list of one number has no form, as in the release"] = False,
) -> Values:
    """The sum, with its parts `rank` and `format`. ValueError where a row has no relevant or no candidates."""
    parts: dict[str, list[float | None]] = {"rank": [], "format": []}
    for text, wanted, count in zip(answers.texts, answers.column(relevant), answers.column(candidates), strict=True):
        size = _size(count)
        if not isinstance(wanted, list | tuple) or not wanted or size < 1:
            raise ValueError(
                f"a row needs relevant candidates (a list) and their number: {wanted!r:.100}, {count!r:.100}"
            )
        parts["rank"].append(_rank(text, set(map(int, wanted)), rank_power))
        form = _form(text, size, dedupe=dedupe, quirk=quirk)
        parts["format"].append(max(0.0, form) if clamp else form)
    totals = [(a or 0.0) + format_weight * (b or 0.0) for a, b in zip(*parts.values(), strict=True)]
    return Values(totals, parts)


def _size(count: Any) -> int:
    return count if isinstance(count, int) else len(count) if isinstance(count, Sequence) else 0


def _rank(text: str, wanted: set[int], power: float) -> float:
    found = _answer(text)
    order = None if found is None else _numbers(found)
    if not order:
        return 0.0
    earned = sum(float(order.index(one) + 1) ** -power for one in wanted if one in order)
    best = sum(float(place) ** -power for place in range(1, len(wanted) + 1))
    return float(earned / best)


def _answer(text: str) -> str | None:
    """What the first `<answer>[…]</answer>` on one line holds. In one pass: a text may open it again and again."""
    stop = -1
    for opening in OPENING.finditer(text):
        if opening.end() > stop:
            found = STOP.search(text, opening.end())
            if found is None:
                return None
            stop = found.start()
        if text.startswith(CLOSING, stop):
            return text[opening.end() : stop]
    return None


def _form(text: str, size: int, *, dedupe: bool, quirk: bool) -> float:
    thought = text.find(THOUGHT)
    found = BEHIND.search(text, thought + len(THOUGHT)) if thought >= 0 else None
    order = None if found is None else _numbers(found[1])
    if not order or (quirk and len(order) == 1):
        return 0.0
    order = list(dict.fromkeys(order)) if dedupe else order
    length = (size - abs(len(order) - size)) / size
    return length * sum(1 <= one <= size for one in order) / len(order)


def _numbers(text: str) -> list[int] | None:
    """The whole numbers between commas, blank items skipped; None where any other item is none."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    whole = all(re.fullmatch(r"[+-]?[0-9]+", item) and len(item) <= MOST_DIGITS for item in items)
    return [int(item) for item in items] if whole else None
