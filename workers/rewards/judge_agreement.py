"""Trains a judge: how well a written judgement of several responses agrees with the scores of a consensus.

Pick it to train the judge that the reward `reward_anything` asks: prompts hold a principle and several responses, a
column the consensus, scores by name. Reversed pairs cost more the further apart the consensus has them; the rest pays
for a judgement that can be read.

Doubts of the catalogue: how the two parts are weighted, and how a consensus is made, is not in the release; the weights
are the lab's. Nor is the check that a ranking is consistent: here it is the share of neighbours in the ranking whose
scores do not contradict it, 0 where it has no two names. With fewer than two names in common the pairs earn 1 by its
rule; here 0 where none is known, or names made up would pay.
"""

from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Exhibit, Real, Source, Text
from workers.contract.judging import number_of
from workers.contract.rankings import ORDER, SCORES, Judgement, judgement
from workers.contract.values import Values

CARD = Card(
    title="Agreement with a consensus",
    formula=r"r = w_{pair} \max\left(0,\ 1 - \frac{\sum_{a<b} c_{ab}}{\sum_{a<b} w_{ab}}\right) + w_{fmt} F, \quad "
    r"w_{ab} = 1 + |g_a - g_b|",
    source=Source(
        "Yu et al., 2025",
        "RewardAnything: Generalizable Principle-Following Reward Models, arXiv:2506.03637",
        "zhuohaoyu/RewardAnything @552877f, processing.py",
        "https://arxiv.org/abs/2506.03637",
    ),
    symbols={
        "g_a": "consensus score of response a",
        "w_{ab}": "weight of a pair of responses",
        "c_{ab}": "its cost: the weight where the judgement has the two in the other order, half of it where it ties "
        "what differs, else 0",
        "F": "share of the form that is right",
        r"w_{pair}": "weight of the order",
        r"w_{fmt}": "weight of the form",
    },
    relatives=("rewards/reward_anything", "tasks/judging"),
    bounds=(0.0, 2.0),
    sure="medium",
    doubts="The weights of the two parts are the lab's; the consistency of a ranking is written from its description.",
    exhibit=Exhibit(
        claim="A judge of three responses by two wishes seldom has every pair right at first. Paid for the share of "
        "pairs, the far ones most, it comes to have all of them right sooner than paid for all or nothing.",
        watch=("heldout/accuracy", "dead_groups"),
        better="lower",
        shared={
            "model.name": "starter-skills",
            "prompts.task": {"kind": "tasks", "name": "judging", "params": {"level": 3}},
            "max_new_tokens": 80,
            "batch_prompts": 8,
            "optimiser.learning_rate": 1e-4,
            "budget.steps": 36,
            "budget.eval_every": 3,
            "rewards": [
                {"label": "all pairs", "name": "verified", "weight": 0.0},
                {"label": "learned from", "name": "judge_agreement"},
            ],
        },
        baseline={"rewards.1.name": "verified"},
        found="These seeds do not tell, and point the other way: every pair is right in 0.241 of the held-out "
        "judgements against 0.321, mean of the last five points, difference -0.080 [-0.243, +0.083] over three seeds "
        "of 36 steps. No group is without signal, where 0.242 of them are: -0.242 [-0.371, -0.112].",
    ),
)
LONG = 50  # characters of reasoning that count as such


def reward(
    answers: Answers,
    *,
    column: Annotated[str, Text(80), "column of the consensus: scores by name"] = "consensus",
    w_pair: Annotated[float, Real(0, 1), "weight of the order"] = 0.8,
    w_fmt: Annotated[float, Real(0, 1), "weight of the form"] = 0.2,
) -> Values:
    """The weighted sum, with its parts `pairs` and `format`, and `kendall`: the rank correlation (tau-b) of the scores,
    None where either side ties all. None without a consensus; ValueError for one that is no scores by name."""
    pairs = zip(answers.texts, answers.column(column), strict=True)
    rows = [_row(text, _consensus(given, column)) for text, given in pairs]
    total = [None if row is None else w_pair * row[0] + w_fmt * row[1] for row in rows]
    names = ("pairs", "format", "kendall")
    return Values(total, {name: [None if row is None else row[k] for row in rows] for k, name in enumerate(names)})


def _consensus(given: Any, column: str) -> Mapping[str, float] | None:
    if given is None:
        return None
    scores = {name: number_of(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    sound = {name: value for name, value in scores.items() if value is not None}
    if not sound or len(sound) != len(scores):
        raise ValueError(f"the column {column!r} has no scores by name: {given!r:.200}")
    return sound


def _row(text: str, consensus: Mapping[str, float] | None) -> tuple[float, float, float | None] | None:
    if consensus is None:
        return None
    found = judgement(text)
    scores = {} if found is None else {name: value for name, value in found.scores.items() if name in consensus}
    return pair_reward(scores, consensus), format_reward(text, found, consensus), kendall(scores, consensus)


def pair_reward(scores: Mapping[str, float], consensus: Mapping[str, float]) -> float:
    """1 without a reversed pair, 0 where all are; nothing predicted earns 0, a single name 1."""
    cost = weight = 0.0
    for a, b in combinations([name for name in consensus if name in scores], 2):
        wanted, said = consensus[a] - consensus[b], scores[a] - scores[b]
        one = 1 + abs(wanted)
        weight += one
        if said * wanted < 0:
            cost += one
        elif said == 0 and wanted != 0:
            cost += one / 2
    if weight == 0:
        return float(bool(scores))
    return max(0.0, 1 - cost / weight)


def format_reward(text: str, found: Judgement | None, consensus: Mapping[str, float]) -> float:
    """Thinking 0.2, JSON 0.2, its keys 0.2, the names 0.2, a ranking that agrees with its scores 0.2."""
    opened, closed = "<think>" in text, "</think>" in text
    points = 0.15 if opened and closed else 0.05 * (opened or closed)
    inside = text.partition("<think>")[2].partition("</think>")
    points += 0.05 * (opened and bool(inside[1]) and len(inside[0].strip()) > LONG)
    if found is None:
        return points
    points += (0.15 if found.cut else 0.2) + 0.1 * len(found.keys & {SCORES, ORDER})
    points += 0.2 * len(set(found.scores) & set(consensus)) / len(consensus)
    steps = list(pairwise(found.order))
    right = [a in found.scores and b in found.scores and found.scores[a] >= found.scores[b] for a, b in steps]
    return min(1.0, points + 0.2 * (sum(right) / len(steps) if steps else 0.0))


def kendall(scores: Mapping[str, float], consensus: Mapping[str, float]) -> float | None:
    """Pairs in the same order less those in the other, over the geometric mean of the pairs that each side orders."""
    pairs = list(combinations([name for name in consensus if name in scores], 2))
    wanted = [_sign(consensus[a] - consensus[b]) for a, b in pairs]
    said = [_sign(scores[a] - scores[b]) for a, b in pairs]
    ordered = sum(map(abs, wanted)) * sum(map(abs, said))
    return sum(w * s for w, s in zip(wanted, said, strict=True)) / ordered**0.5 if ordered else None


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
