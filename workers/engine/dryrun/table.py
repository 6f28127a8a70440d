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
    depths = _depths(values, node) if node.of else dict.fromkeys(values.parts, 1)
    return Table(floats(values.total), {name: floats(values.parts[name]) for name in depths}, depths)


def _depths(values: Values, tree: Node) -> dict[str, int]:
    """The depth of each part of a tree in the order in which it is read, a part's own components (`<part>/<name>`)
    after it and one deeper; those of the root combination are never what the total is made of."""
    labels = tree.labels()
    own = [name for name in values.parts if name not in set(labels.values())]
    found: dict[str, int] = {}
    for path, label in labels.items():
        depth = path.count("of.")
        if depth and label in values.parts:
            found[label] = depth
        found |= {name: max(1, depth) + 1 for name in own if name.startswith(f"{label}/")}
    return found


def floats(column: Sequence[float | None]) -> Floats:
    """Numbers with NaN for None."""
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def number(value: Any) -> float | None:
    """A number for JSON; None where there is none."""
    return float(value) if np.isfinite(value) else None
