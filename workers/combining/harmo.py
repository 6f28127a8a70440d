"""Accuracy by rule or by model, format, and a penalty for answers that win by being short (HARMO).

Parts: the rule's verdict, a model's score in [0, 1], the format (0 or 1). Where the rule applies it counts, elsewhere
the score does. Wrong answers are punished for being shorter than the right ones of their group. Pick it for mixed
prompts where one reward model alone is unreliable; with group-relative credit that subtracts the mean alone.

Doubts of the catalogue (sure: low): the length penalty is reconstructed, not read; so are how scores are mapped to
[0, 1] and the size of the format reward. Over which set scores are standardised is open; statistics of a calibration
set keep `theta_open` meaningful.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Departure, Exhibit, Real, Source
from workers.contract.values import Values

CARD = Card(
    title="HARMO",
    formula=r"r_i = w_a h_i - w_l P \cdot \mathrm{clip}\left(\frac{d_i - \tau}{1 - \tau}, 0, 1\right) + w_f f \cdot m_i"
    r",\quad d_i = \frac{L^* - L_i}{L^*}",
    source=Source("Beyond Monolithic Rewards, October 2025", "HARMO", "abstract and public reviews"),
    symbols={
        "h_i": "the rule's verdict where it applies, else the model's score",
        "m_i": "the format",
        "f": "its size",
        "L_i": "tokens of completion i",
        "L^*": "mean tokens of the right completions of its group; without any there is no penalty",
        "P": "the largest penalty",
        r"\tau": "the tolerated deviation",
        "w_a": "weight of accuracy",
        "w_l": "weight of length",
        "w_f": "weight of format",
    },
    relatives=("combining/sum", "credit/grpo"),
    sure="low",
    doubts="The length penalty, the mapping of scores to [0, 1] and the format's size are reconstructed, not read.",
    departs=(
        Departure("same answer, same reward", "the penalty compares a completion with the right ones of its group"),
    ),
    compose=r"\mathrm{harmo}\left(<0>,\ <1>,\ <2>\right)",
    exhibit=Exhibit(
        claim="Added up, verdict and format leave wrong answers as short as they like. With the penalty these become "
        "as long as the right ones, and at least as many are right.",
        watch=("length", "heldout/accuracy"),
        shared={
            "budget.steps": 30,
            "rewards": [
                {"label": "correct", "name": "verified", "weight": 0.0},
                {
                    "label": "learned from",
                    "name": "tree:1@1",
                    "tree": {
                        "kind": "combining",
                        "name": "sum",
                        "of": [
                            {"kind": "rewards", "name": "verified"},
                            {"kind": "rewards", "name": "exact_answer", "label": "open"},
                            {"kind": "rewards", "name": "format"},
                        ],
                    },
                },
            ],
        },
        variant={"rewards.1.tree.name": "harmo"},
        found="Half of it, and little (means of the last five points): completions have 18.7 tokens against 18.5, "
        "difference +0.16 [-0.01, +0.33] over three seeds of 30 steps, which does not tell; held-out "
        "accuracy is 0.743 against 0.735, +0.007 [+0.003, +0.012].",
    ),
)


def combine(
    parts: Sequence[Values],
    answers: Answers,
    groups: Sequence[int],
    *,
    p_max: Annotated[float, Real(0, 2), "the largest length penalty"] = 0.5,
    tau: Annotated[float, Real(0, 0.9), "tolerated deviation from the mean length of right answers"] = 0.2,
    length_mode: Annotated[str, Choice(("short", "long", "both")), "which deviation is punished"] = "short",
    apply_to: Annotated[str, Choice(("incorrect", "all")), "who is punished"] = "incorrect",
    theta_open: Annotated[float, Real(0, 1), "score from which an open answer counts as right"] = 0.8,
    fmt_reward: Annotated[float, Real(0, 1), "size of the format reward"] = 0.5,
    w_accuracy: Annotated[float, Real(0), "weight of accuracy"] = 1.0,
    w_length: Annotated[float, Real(0), "weight of the length penalty"] = 1.0,
    w_format: Annotated[float, Real(0), "weight of the format"] = 1.0,
) -> Values:
    """The sum, with its parts `accuracy`, `length` and `format`; None where neither rule nor model applies.

    ValueError unless there are three parts.
    """
    if len(parts) != 3:
        raise ValueError(f"harmo has three parts (rule, model, format), not {len(parts)}")
    rule, model, form = (part.total for part in parts)
    hybrid = [score if verdict is None else verdict for verdict, score in zip(rule, model, strict=True)]
    right = [
        score is not None and score >= theta_open if verdict is None else verdict >= 1
        for verdict, score in zip(rule, model, strict=True)
    ]
    best = _mean_lengths(answers.lengths, groups, right)
    rows: list[tuple[float | None, float, float]] = []
    for n, group in enumerate(groups):
        spared = group not in best or (apply_to == "incorrect" and right[n])
        short = 0.0 if spared else _deviation(answers.lengths[n], best[group], length_mode)
        length = -p_max * min(1.0, max(0.0, (short - tau) / (1 - tau)))
        rows.append((hybrid[n], length, fmt_reward * (form[n] or 0.0)))
    total = [
        None if accuracy is None else w_accuracy * accuracy + w_length * length + w_format * shape
        for accuracy, length, shape in rows
    ]
    return Values(total, {name: [row[k] for row in rows] for k, name in enumerate(("accuracy", "length", "format"))})


def _mean_lengths(lengths: Sequence[int], groups: Sequence[int], right: Sequence[bool]) -> dict[int, float]:
    """Mean length of the right completions by group; groups without one (or with empty ones only) are left out."""
    found: dict[int, list[int]] = {}
    for length, group, is_right in zip(lengths, groups, right, strict=True):
        if is_right:
            found.setdefault(group, []).append(length)
    return {group: mean for group, values in found.items() if (mean := fmean(values)) > 0}


def _deviation(length: int, best: float, mode: str) -> float:
    short = (best - length) / best
    return {"short": short, "long": -short, "both": abs(short)}[mode]
