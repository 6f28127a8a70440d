"""A reward that counts only where another one reaches a threshold; elsewhere it is 0.

Pick it where a good style must not be earned without a right answer, or an answer without its format. The first part
decides, the second is what is earned.
"""

from collections.abc import Sequence
from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.contract.values import Values

CARD = Card(
    title="Gate",
    formula=r"r_i = \mathbb{1}[a_i \ge \theta] \cdot b_i",
    source=Source("General knowledge", "rewards that count under a condition"),
    symbols={
        "a_i": "value of the first part, which decides",
        "b_i": "value of the second part, which is earned",
        r"\theta": "the threshold",
    },
    relatives=("combining/sum",),
    compose=r"\mathbb{1}\left[<0> \ge <threshold>\right] \cdot <b1>",
)


def combine(
    parts: Sequence[Values],
    *,
    threshold: Annotated[float, Real(), "the first part opens the gate from here on"] = 1.0,
) -> Values:
    """The second part's values where the first reaches the threshold; None where either does not apply.

    ValueError unless there are two parts.
    """
    if len(parts) != 2:
        raise ValueError(f"a gate has two parts, one that decides and one that is earned, not {len(parts)}")
    deciding, earned = parts
    totals = [
        None if a is None or b is None else b if a >= threshold else 0.0
        for a, b in zip(deciding.total, earned.total, strict=True)
    ]
    open_ = [a is not None and a >= threshold for a in deciding.total]
    return Values(totals, spans={n: spans for n, spans in earned.spans.items() if open_[n]})
