"""Bounds what a process reward's steps can earn together, so that repeating cheap right-looking steps does not pay.

The part scores each step (its places, in order). Clip takes away all that is positive, Delta turns scores into
differences that telescope, and Clip-Delta does one after the other. Pick it wherever scores of single steps are learned
from, and add the success reward with a sum around it. A part that gives a completion one value for the whole counts as
one step; what places leave of a total is not read. The plain variants are there to be compared with.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from workers.contract.card import Card, Choice, Exhibit, Real, Source
from workers.contract.values import Span, Values

CARD = Card(
    title="Clip and Delta (refined process reward)",
    formula=r"C_k = \min(R_k - \eta,\, 0) \qquad r_k = \begin{cases} C_k - C_{k+1} & k < K-1 \\ C_{K-1} & k = K-1 "
    r"\\ 0 & k = K \end{cases} \qquad r = \alpha \sum_k r_k",
    source=Source("Gao et al., 2024", "arXiv:2410.15115", "PR-Clip and PR-Delta", "https://arxiv.org/abs/2410.15115"),
    symbols={
        "R_k": "score of the steps up to the k-th",
        "r_k": "what step k earns",
        "K": "number of steps",
        r"\eta": "threshold of the clip",
        r"\alpha": "weight",
        "r": "the dense reward of the whole",
    },
    relatives=("combining/ppr_renorm", "combining/g_ra"),
    sure="medium",
    doubts="The paper's own weight and threshold were not seen. That Delta takes the later score from the earlier one "
    "follows a reading of the paper.",
    compose=r"<alpha> \cdot <transform>_{<eta>}\left(<0>\right)",
    exhibit=Exhibit(
        claim="Step scores that are fooled by quick answers (1 for an answer without any working, 0.05 for all other "
        "steps), added to the reward for being right, hold the policy at quick answers. Refined by Clip-Delta they do "
        "not, and more answers are right.",
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
                            {"kind": "rewards", "name": "verified"},
                            {
                                "kind": "combining",
                                "name": "sum",
                                "of": [
                                    {
                                        "kind": "rewards",
                                        "name": "code:1@1",
                                        "label": "fooled",
                                        "source": "import re\n\n\ndef reward(completions, **columns):\n"
                                        "    return [[step(f) for f in re.finditer('#?[^;#]+', c)] for c in "
                                        "completions]\n\n\ndef step(f):\n"
                                        "    quick = f.start() == 0 and f[0][0] == '#'\n"
                                        "    return {'start': f.start(), 'end': f.end(), 'value': 1.0 if quick "
                                        "else 0.05}\n",
                                    }
                                ],
                            },
                        ],
                    },
                },
            ],
        },
        variant={"rewards.1.tree.of.1.name": "clip_delta", "rewards.1.tree.of.1.params": {"eta": 0.05}},
        found="These seeds do not tell. Held-out accuracy, mean of its last five points, is 0.855 against 0.780, "
        "difference +0.075 [-0.013, +0.163] over three seeds of 40 steps; completions have 19.6 tokens "
        "against 18.4, +1.2 [-0.8, +3.1].",
    ),
)


def combine(
    parts: Sequence[Values],
    *,
    transform: Annotated[
        str, Choice(("none", "normed", "penalty", "clip", "delta", "clip_delta")), "what becomes of the scores"
    ] = "clip_delta",
    eta: Annotated[float, Real(0, 1), "the clip takes away what a score has above this, so choose it high"] = 0.5,
    penalty_c: Annotated[float, Real(0, 1), "what the penalty takes off every step"] = 0.5,
    alpha: Annotated[float, Real(0, 5), "weight of the dense reward"] = 1.0,
) -> Values:
    """Refined scores where the steps are, and their sum as total; None where the part does not apply. ValueError unless
    there is one part, and its places are counted in one unit."""
    if len(parts) != 1:
        raise ValueError(f"one process reward is refined, not {len(parts)}; add others with a sum around it")
    (process,) = parts
    totals: list[float | None] = []
    spans: dict[int, list[Span]] = {}
    for n, whole in enumerate(process.total):
        places = _in_order(process.spans[n]) if n in process.spans else []
        scores = [span.value for span in places] if whole is None or n in process.spans else [whole]
        earned = [alpha * score for score in _refined(scores, transform, eta, penalty_c)]
        totals.append(None if whole is None else sum(earned))
        if places and whole is not None:
            spans[n] = [replace(span, value=value) for span, value in zip(places, earned, strict=True)]
    return Values(totals, spans=spans)


def _in_order(spans: Sequence[Span]) -> list[Span]:
    if len({span.unit for span in spans}) > 1:
        raise ValueError("the places of steps are counted in different units, so they have no order")
    return sorted(spans, key=lambda span: (span.start, span.end))


def _refined(scores: list[float], transform: str, eta: float, penalty_c: float) -> list[float]:
    if transform == "normed":
        return [score / len(scores) for score in scores]
    if transform == "penalty":
        return [score - penalty_c for score in scores]
    if transform.startswith("clip"):
        scores = [min(score - eta, 0.0) for score in scores]
    return _telescoped(scores) if transform.endswith("delta") else scores


def _telescoped(scores: list[float]) -> list[float]:
    """Each score without the next one; the last step's is dropped, for the success reward covers it."""
    later = [*scores[1:-1], 0.0]
    return [*(score - next_ for score, next_ in zip(scores[:-1], later, strict=False)), 0.0][: len(scores)]
