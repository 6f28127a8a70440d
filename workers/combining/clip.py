"""A reward kept between two bounds. What does not apply stays None.

Pick it where a part may run away (lengths, log-probabilities, scores of a model), or before a product. Beyond a bound
there is nothing more to earn, so nothing is learned there. Places keep their values while the total is within the
bounds; where it is pulled towards 0 they shrink in proportion; where it is pushed away from 0, or over it, there is no
place for what was added: the value then counts at the end of the completion.
"""

from collections.abc import Sequence
from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.contract.values import Values

CARD = Card(
    title="Clip",
    formula=r"r_i = \min(\max(a_i,\, l),\, h)",
    source=Source("Mnih et al., 2015", "doi:10.1038/nature14236", "methods, training details: rewards clipped"),
    symbols={"a_i": "value of the part", "l": "lower bound", "h": "upper bound", "r_i": "the clipped reward"},
    relatives=("combining/minimum", "combining/maximum", "combining/scale"),
    compose=r"\mathrm{clip}\left(<0>,\ <low>,\ <high>\right)",
)


def combine(
    parts: Sequence[Values],
    *,
    low: Annotated[float, Real(), "the smallest value"] = 0.0,
    high: Annotated[float, Real(), "the largest value"] = 1.0,
) -> Values:
    """The part's values within the bounds. ValueError unless there is one part, or when the bounds are crossed."""
    if len(parts) != 1:
        raise ValueError(f"one part is clipped, not {len(parts)}; clip a sum to clip several together")
    if low > high:
        raise ValueError(f"the lower bound {low:g} is above the upper one {high:g}")
    (part,) = parts
    totals = [None if value is None else min(max(value, low), high) for value in part.total]
    factors = {n: _shrunk(part.total[n], totals[n]) for n in part.spans}
    spans = {n: [span.times(factor) for span in part.spans[n]] for n, factor in factors.items() if factor is not None}
    return Values(totals, spans=spans)


def _shrunk(before: float | None, after: float | None) -> float | None:
    """What places are multiplied by; None where they say nothing of the clipped value."""
    if before is None or after is None:
        return None
    if before == after:
        return 1.0
    factor = after / before if before else -1.0
    return factor if 0.0 <= factor <= 1.0 else None
