"""A reward minus the mean of its group, the completions of the same prompt to which it applies.

Pick it inside a sum where parts of different level meet, or before a product or a clip that should look at what is
better than usual. Credit by group subtracts the mean of the whole reward anyway, so at the root it changes nothing
there. A completion alone in its group earns 0. Places keep their values; the mean is taken off at the end.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Annotated

from workers.contract.card import Card, Choice, Departure, Source
from workers.contract.values import Values, valid

CARD = Card(
    title="Centre",
    formula=r"r_i = a_i - \bar a_{g(i)}",
    source=Source("Williams, 1992", "doi:10.1007/BF00992696", "reinforcement baselines"),
    symbols={
        "a_i": "value of the part",
        r"\bar a_{g(i)}": "its mean over the group of completion i, or over the batch",
        "r_i": "the centred reward",
    },
    relatives=("combining/scale", "credit/grpo"),
    departs=(Departure("same answer, same reward", "what a completion earns depends on the others of its group"),),
    compose=r"\mathrm{centre}\left(<0>\right)",
)


def combine(
    parts: Sequence[Values],
    groups: Sequence[int],
    *,
    over: Annotated[str, Choice(("group", "batch")), "whose mean is taken off"] = "group",
) -> Values:
    """The part's values minus their mean. ValueError unless there is one part."""
    if len(parts) != 1:
        raise ValueError(f"one part is centred, not {len(parts)}; centre a sum to centre several together")
    (part,) = parts
    numbers = [group if over == "group" else 0 for group in groups]
    members: dict[int, list[float | None]] = {}
    for number, value in zip(numbers, part.total, strict=True):
        members.setdefault(number, []).append(value)
    means = {number: fmean(valid(values)) for number, values in members.items() if valid(values)}
    totals = [
        None if value is None else value - means[number] for number, value in zip(numbers, part.total, strict=True)
    ]
    return Values(totals, spans={n: spans for n, spans in part.spans.items() if totals[n] is not None})
