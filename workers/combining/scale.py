"""A reward times a number: what it is worth beside others, or, with a negative number, a penalty.

Pick it inside a sum. Places keep their values times the same number. What does not apply stays None.
"""

from collections.abc import Sequence
from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.contract.values import Values

CARD = Card(
    title="Scale",
    formula=r"r_i = \lambda\, a_i",
    source=Source("General knowledge", "weights of rewards"),
    symbols={"a_i": "value of the part", r"\lambda": "the factor", "r_i": "the scaled reward"},
    relatives=("combining/schedule", "combining/sum"),
    compose=r"<factor> \cdot <b0>",
)


def combine(
    parts: Sequence[Values], *, factor: Annotated[float, Real(-1000, 1000), "what the part is multiplied by"] = 0.5
) -> Values:
    """The part's values and places times the factor. ValueError unless there is one part."""
    if len(parts) != 1:
        raise ValueError(f"one part is scaled, not {len(parts)}; scale a sum to scale several")
    (part,) = parts
    totals = [None if value is None else factor * value for value in part.total]
    spans = {n: [span.times(factor) for span in part.spans[n]] for n in part.spans if totals[n] is not None}
    return Values(totals, spans=spans)
