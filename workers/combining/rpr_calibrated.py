"""Adds a little of a reward for reasoning phrases to the score of a reward model where that score is low (RPR).

The first part is the score (0 to 1, 0 for a wrong format), the second the phrases' reward. Pick it where a reward model
gives good reasoning low scores. The step at the threshold can invert an order: a score just below it may end above one
just over it. Held-out completions are calibrated too; the first part by itself shows the score.
"""

from collections.abc import Sequence
from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.contract.values import Values

CARD = Card(
    title="Score calibrated by reasoning phrases (RPR)",
    formula=r"s' = \begin{cases} \min(1,\ s + w \cdot \mathrm{RPR}) & s < \tau \\ s & \text{else} \end{cases}",
    source=Source(
        "Lv et al., 2025",
        "arXiv:2505.22653",
        "code: verl/workers/fsdp_workers.py at github.com/trestad/Noisy-Rewards-in-Learning-to-Reason",
        "https://arxiv.org/abs/2505.22653",
    ),
    symbols={"s": "the score", "s'": "the score that is learned from", r"\tau": "low is below this", "w": "weight"},
    relatives=("rewards/noisy_rpr", "combining/sum"),
    compose=r"\mathrm{calibrated}_{<tau>}\left(<0>,\ <rm_weight> \cdot <b1>\right)",
)


def combine(
    parts: Sequence[Values],
    *,
    tau: Annotated[float, Real(0, 1), "below this score phrases are added"] = 0.5,
    rm_weight: Annotated[float, Real(0, 1), "weight of the phrases"] = 0.1,
) -> Values:
    """The calibrated scores, what was added at the end; None where there is no score, the score where no phrases are
    counted. ValueError unless there are two parts."""
    if len(parts) != 2:
        raise ValueError(f"a score and a reward for phrases are needed, not {len(parts)} parts")
    score, phrases = parts
    totals = [
        min(1.0, s + rm_weight * rpr) if s is not None and rpr is not None and s < tau else s
        for s, rpr in zip(score.total, phrases.total, strict=True)
    ]
    return Values(totals, spans=score.spans)
