"""The smallest of several rewards. What does not apply to a completion is left out; where nothing applies, None.

Pick it where a completion is only as good as its worst side: improving anything but that earns nothing.
Places are those of the part that decides, the first among equals.
"""

from collections.abc import Sequence

from workers.contract.card import Card, Source
from workers.contract.values import Values

CARD = Card(
    title="Minimum",
    formula=r"r_i = \min_c r_{i,c}",
    source=Source("General knowledge", "the worst of several rewards"),
    symbols={"r_{i,c}": "value of part c for completion i", "r_i": "the combined reward"},
    relatives=("combining/maximum", "combining/product"),
    compose=r"\min\left(<*>\right)",
)


def combine(parts: Sequence[Values]) -> Values:
    """The smallest total of each completion, with the places of the part that it is from."""
    chosen = [_chosen(parts, n) for n in range(len(parts[0].total))]
    totals = [None if part is None else part.total[n] for n, part in enumerate(chosen)]
    spans = {n: part.dense(n) for n, part in enumerate(chosen) if part is not None and part.dense(n)}
    return Values(totals, spans=spans)


def _chosen(parts: Sequence[Values], n: int) -> Values | None:
    found = [(value, part) for part in parts if (value := part.total[n]) is not None]
    return min(found, key=lambda one: one[0])[1] if found else None
