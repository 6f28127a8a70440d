"""Multiplies rewards. What does not apply to a completion is left out; where nothing applies, neither does the product.

Pick it where every part is needed and each lies between 0 and 1: one part at 0 leaves nothing. Beyond that range two
negative parts make a positive one, so clip them first. Places of the only part that has some keep them, times what the
others say; where several parts are dense, nobody can say whose place earned the product, and it counts at the end.
"""

from collections.abc import Sequence
from math import prod

from workers.contract.card import Card, Source
from workers.contract.values import Span, Values, valid

CARD = Card(
    title="Product",
    formula=r"r_i = \prod_c r_{i,c}",
    source=Source("General knowledge", "products of rewards"),
    symbols={"r_{i,c}": "value of part c for completion i", "r_i": "the combined reward"},
    relatives=("combining/sum", "combining/gate", "combining/minimum"),
    compose=r" \cdot ",
)


def combine(parts: Sequence[Values]) -> Values:
    """The totals multiplied, and the places of the only dense part times the other parts' totals."""
    rows = [valid(row) for row in zip(*(part.total for part in parts), strict=True)]
    totals = [prod(row) if row else None for row in rows]
    return Values(totals, spans={n: spans for n in range(len(rows)) if (spans := _spans(parts, n))})


def _spans(parts: Sequence[Values], n: int) -> list[Span]:
    applying = [part for part in parts if part.total[n] is not None]
    dense = [part for part in applying if part.dense(n)]
    if len(dense) != 1:
        return []
    others = prod(valid(part.total[n] for part in applying if part is not dense[0]))
    return [span.times(others) for span in dense[0].dense(n)]
