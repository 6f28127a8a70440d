"""Judge a few responses by a principle: `<think>…</think>`, then their scores and their order as JSON.

The prompt is what the reward `reward_anything` sends to its judge: a principle, a prompt and responses by name. What a
principle may ask can be read off a response: courtesy, length, the right sum, digits or words. The consensus follows
from that. A careful solution looks at each wish for every response; a careless one mixes up two scores. A tenth of the
principles of two wishes are posed in held-out problems only.
"""

import json
import random
from collections.abc import Mapping
from itertools import combinations
from typing import Annotated

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole
from workers.contract.rankings import ORDER, SCORES, judgement
from workers.tasks.parts import HELDOUT, TRAIN, part_of

CARD = Card(
    title="Judging",
    formula=r"\mathrm{sign}(s_a - s_b) = \mathrm{sign}(g_a - g_b)\ \text{ where } g_a \ne g_b,\quad "
    r"g_a = 1 + 3 w_1(a) + w_2(a)",
    source=Source("Merit", "built-in task, after the training of RewardAnything's judge"),
    symbols={
        "s_a": "the score that is given to response a",
        "g_a": "its score by the consensus; with one wish 1 or 5",
        "w_1(a)": "1 where the first wish of the principle holds for it",
        "w_2(a)": "1 where the second does",
    },
    relatives=("rewards/judge_agreement", "rewards/reward_anything", "tasks/reranking"),
)
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
OPENINGS, ENDINGS = ("Thanks, ", "Please, "), (" as far as I can see", " if I count it well")
POLITE, LONG, RIGHT, DIGITS = range(4)
# What a principle may ask for, how it says so, and which feature must be there or not.
WISHES: Mapping[str, tuple[str, int, bool]] = {
    "polite": ("be polite", POLITE, True),
    "plain": ("no courtesy", POLITE, False),
    "short": ("be short", LONG, False),
    "long": ("be long", LONG, True),
    "right": ("be right", RIGHT, True),
    "digits": ("use digits", DIGITS, True),
    "words": ("use words", DIGITS, False),
}
WISHES_AND_RESPONSES = {1: (1, 2), 2: (2, 2), 3: (2, 3), 4: (2, 4)}
CARELESS_RIGHT = 0.25


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 4), "wishes and responses: 1 and 2, 2 and 2, 2 and 3, 2 and 4"] = 2,
) -> Problem:
    """A JSON object with `principle`, `prompt` and `responses`; its answer is the scores. The column `consensus` has
    them by name; there are always two that differ."""
    wishes, size = WISHES_AND_RESPONSES[level]
    while True:
        made = _drawn(rng, wishes, size)
        principle = json.loads(made.prompt)["principle"]
        unseen = wishes > 1 and part_of(principle) == HELDOUT
        scores = made.columns["consensus"].values()
        if len(set(scores)) > 1 and not (unseen and part_of(made.prompt) == TRAIN):
            return Problem(made.prompt, made.answer, {"level": level, **made.columns})


def verify(text: str, problem: Problem) -> float:
    """1.0 when the scores order every pair that the consensus orders, and in its way, else 0.0."""
    found, wanted = judgement(text), problem.columns["consensus"]
    if found is None or not wanted.keys() <= found.scores.keys():
        return 0.0
    ordered = ((found.scores[a] - found.scores[b]) * (wanted[a] - wanted[b]) for a, b in combinations(wanted, 2)
               if wanted[a] != wanted[b])  # fmt: skip
    return float(all(sign > 0 for sign in ordered))


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is right once in four times."""
    if careful or rng.random() < CARELESS_RIGHT:
        return str(problem.columns["demonstration"])
    scores = dict(problem.columns["consensus"])
    a, b = rng.choice([(a, b) for a, b in combinations(scores, 2) if scores[a] != scores[b]])
    scores[a], scores[b] = scores[b], scores[a]
    return _written("", scores)


def _drawn(rng: random.Random, wishes: int, size: int) -> Problem:
    asked: list[str] = []
    while len(asked) < wishes or len({WISHES[name][1] for name in asked}) < wishes:
        asked = rng.sample(sorted(WISHES), wishes)
    a, b = rng.randint(1, 5), rng.randint(0, 4)
    texts: dict[str, tuple[bool, ...]] = {}
    while len(texts) < size:
        features = tuple(rng.random() < 0.5 for _ in range(4))
        texts[_response(rng, a + b, features)] = features
    names = {f"model-{number}": text for number, text in enumerate(texts, 1)}
    principle = ", then ".join(WISHES[name][0] for name in asked).capitalize() + "."
    content = {"principle": principle, "prompt": f"{a}+{b}=", "responses": names}
    held = {name: [texts[names[name]][WISHES[wish][1]] is WISHES[wish][2] for wish in asked] for name in names}
    scores = {name: 1 + (4 * kept[0] if wishes == 1 else 3 * kept[0] + kept[1]) for name, kept in held.items()}
    thought = "; ".join(f"{wish} {' '.join(str(int(held[name][k])) for name in names)}" for k, wish in enumerate(asked))
    columns = {"consensus": scores, "demonstration": _written(thought, scores)}
    return Problem(json.dumps(content, ensure_ascii=False), json.dumps(scores), columns)


def _response(rng: random.Random, total: int, features: tuple[bool, ...]) -> str:
    number = total if features[RIGHT] else rng.choice([other for other in range(10) if other != total])
    opening = rng.choice(OPENINGS) if features[POLITE] else ""
    ending = rng.choice(ENDINGS) if features[LONG] else ""
    return f"{opening}{number if features[DIGITS] else NUMBERS[number]}{ending}"


def _written(thought: str, scores: Mapping[str, int]) -> str:
    order = sorted(scores, key=lambda name: -scores[name])
    return f"<think>{thought}</think>{json.dumps({SCORES: scores, ORDER: order})}"
