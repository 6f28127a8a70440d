"""A reward's values as arrays: NaN where a reward does not apply or failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contract.rewardnode import Node
from workers.contract.values import Values

Floats = NDArray[np.float64]
TOTAL = "total"


@dataclass(frozen=True)
class Table:
    """The totals and the components by name, (N,) each. `depths` say how far below the total each component stands: 1
    for what the total is made of itself, more further down in a tree."""

    total_N: Floats
    parts: dict[str, Floats]
    depths: dict[str, int]

    def columns(self) -> dict[str, Floats]:
        """The total and then the components."""
        name = TOTAL
        while name in self.parts:
            name += "*"
        return {name: self.total_N, **self.parts}


def table_of(values: Values, node: Node) -> Table:
    """The arrays of what the reward `node` said."""
    depths = {name: path.count("of.") for path, name in node.labels().items() if name in values.parts}
    depths = depths if node.of else dict.fromkeys(values.parts, 1)
    return Table(floats(values.total), {name: floats(values.parts[name]) for name in depths}, depths)


def floats(column: Sequence[float | None]) -> Floats:
    """Numbers with NaN for None."""
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def number(value: Any) -> float | None:
    """A number for JSON; None where there is none."""
    return float(value) if np.isfinite(value) else None
