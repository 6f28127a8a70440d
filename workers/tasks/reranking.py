"""Put a few cards in order by how well they fit a query: `<think>…</think><answer>[2, 1, 3]</answer>`.

A first-stage retriever has ordered the cards by the features that match, with noise, so the best ones do not always
stand first. A careful solution counts the wanted features on every card; a careless one keeps the retriever's order.
"""

import random
import re
from typing import Annotated

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole

CARD = Card(
    title="Reranking",
    formula=r"\{o_1, \dots, o_{|P|}\} = P",
    source=Source("Merit", "built-in task, after the rerankers of MM-R5"),
    symbols={"o_i": "the card at place i of the printed order", "P": "the cards with both wanted features"},
    relatives=("rewards/mm_r5", "tasks/judging"),
)
FEATURES = (
    ("red", "blue", "green", "black"),
    ("wood", "metal", "glass", "cloth"),
    ("lamp", "cup", "chair", "box", "bag"),
)
CANDIDATES = {1: 3, 2: 4, 3: 5, 4: 6}
NOISE = 3.0  # standard deviation of the retriever's noise; a feature that matches counts 1
KEPT = 0.7  # share of careless answers that keep the retriever's order; the others swap two neighbours
ANSWER = re.compile(r"<answer>\[(\d+(?:\s*,\s*\d+)*)\]</answer>", re.ASCII)


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 4), "how many cards: 3, 4, 5 or 6, one or two of them relevant"] = 2,
) -> Problem:
    """A prompt such as `metal lamp?\\n1 red metal cup\\n…`; its answer is an order. The column `relevant` has the
    numbers of the cards with both features, `candidates` the cards in the retriever's order."""
    asked = sorted(rng.sample(range(3), 2))
    wanted = {kind: rng.choice(FEATURES[kind]) for kind in asked}
    size, right = CANDIDATES[level], rng.randint(1, 2)
    cards: dict[tuple[str, ...], int] = {}
    while len(cards) < size:
        card = tuple(map(rng.choice, FEATURES))
        if len(cards) < right:
            card = tuple(wanted.get(kind, feature) for kind, feature in enumerate(card))
        fit = sum(card[kind] == feature for kind, feature in wanted.items())
        if len(cards) < right or fit < len(asked):
            cards[card] = fit
    seen = sorted(cards, key=lambda card: cards[card] + rng.gauss(0, NOISE), reverse=True)
    fits = [cards[card] for card in seen]
    order = sorted(range(1, size + 1), key=lambda number: -fits[number - 1])
    shown = [" ".join(card) for card in seen]
    thought = " ".join(f"{number}:{fit}" for number, fit in enumerate(fits, 1))
    columns = {
        "level": level,
        "relevant": [number for number, fit in enumerate(fits, 1) if fit == len(asked)],
        "candidates": shown,
        "demonstration": _written(thought, order),
    }
    lines = "".join(f"{number} {card}\n" for number, card in enumerate(shown, 1))
    return Problem(f"{' '.join(wanted.values())}?\n{lines}", str(order), columns)


def verify(text: str, problem: Problem) -> float:
    """1.0 when the first places of the order hold exactly the relevant cards, else 0.0."""
    found, relevant = ANSWER.search(text), problem.columns["relevant"]
    order = [] if found is None else [number.strip() for number in found[1].split(",")]
    return float(sorted(order[: len(relevant)]) == sorted(map(str, relevant)))


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it: counted, or as the retriever had it."""
    if careful:
        return str(problem.columns["demonstration"])
    order = list(range(1, len(problem.columns["candidates"]) + 1))
    if rng.random() > KEPT:
        place = rng.randrange(len(order) - 1)
        order[place : place + 2] = order[place + 1], order[place]
    return _written("", order)


def _written(thought: str, order: list[int]) -> str:
    return f"<think>{thought}</think><answer>{order}</answer>"
