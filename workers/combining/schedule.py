"""A reward whose weight moves along a straight line while the run goes on.

Pick it to teach one thing after the other: the format first and brevity later, or a helping reward that fades. Before
`begin` the weight is `start`, from `until` on it is `end`; both are shares of the run's steps. With weight 0 the value
is 0 and still applies. Where nothing trains (a dry run, an analysis) it stands at the first step. Places keep their
values times the weight. Doubt: rewards of different steps can no longer be compared.
"""

from collections.abc import Sequence
from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.contract.values import Values
from workers.engine.tensors import Progress

CARD = Card(
    title="Schedule over steps",
    formula=r"r_i = w(t)\, a_i, \qquad w(t) = w_0 + (w_1 - w_0)\, "
    r"\mathrm{clip}\!\left(\frac{t - t_0}{t_1 - t_0},\, 0,\, 1\right)",
    source=Source("Bengio et al., 2009", "doi:10.1145/1553374.1553380", "curriculum learning"),
    symbols={
        "a_i": "value of the part",
        "w_0": "weight until t_0",
        "w_1": "weight from t_1 on",
        "t": "share of the run's steps that is done",
        "t_0": "where the change begins",
        "t_1": "where it is complete",
    },
    relatives=("combining/scale", "combining/sum"),
    compose=r"\left[<start> \to <end>\right] \cdot <b0>",
)


def combine(
    parts: Sequence[Values],
    progress: Progress,
    *,
    start: Annotated[float, Real(-1000, 1000), "weight at first"] = 0.0,
    end: Annotated[float, Real(-1000, 1000), "weight in the end"] = 1.0,
    begin: Annotated[float, Real(0, 1), "share of the run's steps after which the weight begins to move"] = 0.0,
    until: Annotated[float, Real(0, 1), "share of the run's steps from which it stands at its end"] = 0.5,
) -> Values:
    """The part's values and places times the weight of this step; with `until` not after `begin` the weight jumps
    there. ValueError unless there is one part."""
    if len(parts) != 1:
        raise ValueError(f"one part follows the schedule, not {len(parts)}; schedule a sum to change several together")
    (part,) = parts
    weight = start + _done(progress.share, begin, until) * (end - start)
    totals = [None if value is None else weight * value for value in part.total]
    spans = {n: [span.times(weight) for span in part.spans[n]] for n in part.spans if totals[n] is not None}
    return Values(totals, spans=spans)


def _done(share: float, begin: float, until: float) -> float:
    """How much of the change is done."""
    if until <= begin:
        return float(share >= begin)
    return min(1.0, max(0.0, (share - begin) / (until - begin)))
