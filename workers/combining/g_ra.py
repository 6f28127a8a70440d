"""Adds levels of reward up, but a cheap level counts only where every level above it has passed its threshold (G-RA).

Parts stand in order of priority, the cheapest first and the outcome last; a level's total is gated, and so is whatever
of it stands at single turns. Pick it when the total rises while success falls, because easy rewards are collected and
the task is forgotten. Too low a threshold is plain adding, too high a one leaves the outcome alone. A level that does
not apply to a completion adds nothing and shuts no gate.
"""

from collections.abc import Sequence
from math import exp, isnan
from typing import Annotated

from workers.contract.card import Card, Exhibit, Flag, Real, Source, Text
from workers.contract.values import Span, Values, valid

CARD = Card(
    title="Gated accumulation (G-RA)",
    formula=r"r = \sum_i g_i S_i \qquad g_i = \prod_{j > i} \mathbb{1}[S_j > \delta_j]",
    source=Source(
        "Sun et al., 2025", "arXiv:2508.10548", "gated reward accumulation", "https://arxiv.org/abs/2508.10548"
    ),
    symbols={
        "S_i": "total of level i, 1 the cheapest",
        "g_i": "gate of level i",
        r"\delta_j": "threshold of level j",
        "r": "the reward of the whole",
    },
    relatives=("combining/gate", "combining/sum", "combining/ppr_renorm"),
    sure="medium",
    doubts="The paper's own values and thresholds were not seen, nor whether its gates open at the threshold or above "
    "it. A soft gate is an extension.",
    compose=r" \lhd ",
    exhibit=Exhibit(
        claim="Being short is easy, being right is the task: added up, the first is collected and the second "
        "forgotten. Where being short counts only for right answers, more of them are right.",
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
                            {"kind": "rewards", "name": "brevity", "params": {"full_until": 4, "zero_from": 20}},
                            {"kind": "rewards", "name": "verified"},
                        ],
                    },
                },
            ],
        },
        variant={"rewards.1.tree.name": "g_ra"},
        found="It appears. Held-out accuracy, mean of its last five points, is 0.847 against 0.512 added up, "
        "difference +0.335 [+0.284, +0.387] over three seeds of 40 steps; completions have 19.4 tokens "
        "against 12.0, +7.44 [+6.67, +8.20].",
    ),
)


def combine(
    parts: Sequence[Values],
    *,
    delta: Annotated[
        str, Text(200), "thresholds of the levels above the first, as in 0.3, 0.0 (one number: the same for all; inf)"
    ] = "0.0",
    strict: Annotated[bool, Flag(), "a gate is open above its threshold; otherwise at it too"] = True,
    soft: Annotated[float, Real(0), "width of a gate that opens along a sigmoid; 0: at once"] = 0.0,
) -> Values:
    """The levels' gated sum, None where no level applies, with gated places. ValueError where the thresholds are no
    numbers or not one for each level above the first."""
    deltas = _thresholds(delta, len(parts) - 1)
    totals: list[float | None] = []
    spans: dict[int, list[Span]] = {}
    for n in range(len(parts[0].total)):
        levels = [part.total[n] for part in parts]
        gates = _gates(levels, deltas, strict, soft)
        earned = [None if level is None else gate * level for level, gate in zip(levels, gates, strict=True)]
        totals.append(sum(valid(earned)) if valid(earned) else None)
        gated = [
            span.times(gate)
            for part, level, gate in zip(parts, levels, gates, strict=True)
            if level is not None and gate
            for span in part.dense(n)
        ]
        spans |= {n: gated} if gated else {}
    return Values(totals, spans=spans)


def _thresholds(text: str, count: int) -> list[float]:
    try:
        found = [float(one) for one in text.split(",")]
    except ValueError:
        raise ValueError(f"thresholds are numbers with commas between them, not {text!r}") from None
    if any(map(isnan, found)):
        raise ValueError("a threshold is a number or an infinity, not NaN")
    if len(found) == 1:
        return found * count
    if len(found) != count:
        raise ValueError(f"{count} levels stand above the first, and there are {len(found)} thresholds")
    return found


def _gates(levels: list[float | None], deltas: list[float], strict: bool, soft: float) -> list[float]:
    """How far each level's gate is open: the product over the levels above it; the last one's always is."""
    gates = [1.0]
    for level, delta in zip(levels[:0:-1], deltas[::-1], strict=True):
        open_ = 1.0 if level is None else _opened(level, delta, strict, soft)
        gates.append(gates[-1] * open_)
    return gates[::-1]


def _opened(level: float, delta: float, strict: bool, soft: float) -> float:
    if not soft:
        return float(level > delta if strict else level >= delta)
    # Beyond this the sigmoid is 0 or 1 in any precision; infinite thresholds end there too.
    distance = max(-500.0, min(500.0, (level - delta) / soft))
    return 1.0 / (1.0 + exp(-distance))
