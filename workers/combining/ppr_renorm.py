"""Shifts the rewards of turns by the outcome, so that turns of a failed answer never earn and others never lose (PPR).

The first part scores the turns (its places, each from 0 to 1), the second the outcome (0 to 1), which counts at the
end. Pick it to give search agents a reward for every turn that cannot work against the outcome. A critic can take a
constant shift back out of the advantages; what is left of it shows where numbers of turns differ, as they do. A
completion to which the first part does not apply has no turns; a first part without places counts as one turn.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from workers.contract.card import Card, Choice, Exhibit, Real, Source
from workers.contract.values import Span, Values

CARD = Card(
    title="Reward normalisation of turns (PPR)",
    formula=r"r_{p,t} = \hat r_{p,t} + r_o - 1 \qquad r = r_o + w \sum_t r_{p,t}",
    source=Source("Xu et al., 2025", "arXiv:2509.25598", "reward normalization", "https://arxiv.org/abs/2509.25598"),
    symbols={
        r"\hat r_{p,t}": "score of turn t: points over the most points",
        "r_{p,t}": "what turn t earns",
        "r_o": "the outcome",
        "w": "weight of the turns",
        "r": "the reward of the whole",
    },
    relatives=("combining/clip_delta", "combining/g_ra", "combining/gate"),
    sure="medium",
    doubts="Whether the paper divides the sum of points or averages over principles, and whether the answer's own turn "
    "is shifted too, was not confirmed.",
    compose=r"<b1> + <process_weight> \cdot <shift>\left(<0>\right)",
    exhibit=Exhibit(
        claim="Scores of turns that are fooled by quick answers (1 for an answer without any working, 0 for all other "
        "turns), added to the outcome, are collected without it. Shifted by the outcome they are not, and more answers "
        "are right.",
        watch=("heldout/accuracy", "length"),
        shared={
            "budget.steps": 40,
            "rewards": [
                {"label": "correct", "name": "verified", "weight": 0.0},
                {
                    "label": "learned from",
                    "name": "tree:1@1",
                    "tree": {
                        "kind": "combining",
                        "name": "sum",
                        "of": [
                            {
                                "kind": "rewards",
                                "name": "code:1@1",
                                "label": "fooled",
                                "source": "import re\n\n\ndef reward(completions, **columns):\n"
                                "    return [[step(f) for f in re.finditer('#?[^;#]+', c)] for c in completions]\n\n\n"
                                "def step(f):\n    quick = f.start() == 0 and f[0][0] == '#'\n"
                                "    return {'start': f.start(), 'end': f.end(), 'value': 1.0 if quick else 0.0}\n",
                            },
                            {"kind": "rewards", "name": "verified"},
                        ],
                    },
                },
            ],
        },
        variant={"rewards.1.tree.name": "ppr_renorm"},
        found="It appears. Held-out accuracy, mean of its last five points, is 0.808 against 0.278 added up, "
        "difference +0.530 [+0.410, +0.651] over three seeds of 40 steps; completions have 19.0 tokens "
        "against 6.8, +12.2 [+10.5, +13.8].",
    ),
)


def combine(
    parts: Sequence[Values],
    *,
    shift: Annotated[
        str, Choice(("renorm", "none", "constant", "product")), "how the outcome changes what turns earn"
    ] = "renorm",
    process_weight: Annotated[float, Real(0, 2), "weight of what the turns earn"] = 1.0,
) -> Values:
    """The turns' shifted rewards at their places, the outcome at the end, and the sum; None where the outcome does not
    apply. ValueError unless there are two parts."""
    if len(parts) != 2:
        raise ValueError(f"a reward of turns and one of the outcome are needed, not {len(parts)}")
    process, outcome = parts
    totals: list[float | None] = []
    spans: dict[int, list[Span]] = {}
    for n, (whole, end) in enumerate(zip(process.total, outcome.total, strict=True)):
        if end is None:
            totals.append(None)
            continue
        dense = n in process.spans and whole is not None
        places = process.dense(n) if dense else ()
        scores = [span.value for span in places] if dense or whole is None else [whole]
        earned = [process_weight * _shifted(score, end, shift) for score in scores]
        totals.append(sum(earned) + (end - 0.5 if shift == "constant" else end))
        if places:
            spans[n] = [replace(span, value=value) for span, value in zip(places, earned, strict=True)]
    return Values(totals, spans=spans)


def _shifted(score: float, outcome: float, shift: str) -> float:
    if shift == "renorm":
        return score + outcome - 1.0
    if shift == "constant":
        return score - 0.5
    return score * outcome if shift == "product" else score
