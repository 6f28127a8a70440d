"""Adds rewards up. What does not apply to a completion is left out; where nothing applies, the sum does not either.

Pick it to reward several things at once, each scaled by what it is worth. A sum forgives: a lot of one part makes up
for the lack of another. Where it must not, pick a product, a minimum or a gate.
"""

from collections.abc import Sequence

from workers.contract.card import Card, Source
from workers.contract.values import Span, Values, valid

CARD = Card(
    title="Sum",
    formula=r"r_i = \sum_c r_{i,c}",
    source=Source("General knowledge", "weighted sums of rewards"),
    symbols={"r_{i,c}": "value of part c for completion i", "r_i": "the combined reward"},
    relatives=("combining/gate",),
    compose=" + ",
)


def combine(parts: Sequence[Values]) -> Values:
    """The totals added; what is dense in a part stays where it is."""
    rows = [valid(row) for row in zip(*(part.total for part in parts), strict=True)]
    totals = [sum(row) if row else None for row in rows]
    return Values(totals, spans={n: spans for n in range(len(rows)) if (spans := _spans(parts, n))})


def _spans(parts: Sequence[Values], n: int) -> list[Span]:
    return [span for part in parts if part.total[n] is not None for span in part.dense(n)]
