"""Which samples a reward likes most and least, and on which it changed its mind since another version."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.engine.dryrun.components import CLOSE
from workers.engine.dryrun.labels import tau_b
from workers.engine.dryrun.table import Floats, number

SHOWN = 5


def extremes(value_N: Floats) -> dict[str, list[int]]:
    """`{highest, lowest}`: the indices of a few samples each, none in both; of equals the first."""
    known = np.flatnonzero(~np.isnan(value_N))
    order = known[np.argsort(-value_N[known], kind="stable")]
    highest = order[:SHOWN]
    rest = order[SHOWN:]
    lowest = rest[np.argsort(value_N[rest], kind="stable")][:SHOWN]
    return {"highest": highest.tolist(), "lowest": lowest.tolist()}


def changes(value_N: Floats, before_N: Floats, groups: Sequence[int]) -> dict[str, Any]:
    """What differs from another version's values: `{count, changed, up, down, mean, tau, turned, pairs, largest,
    before}`.

    `tau` is Kendall's between the two; `turned` of `pairs` within one prompt are ordered the other way round now;
    `largest` are indices, the largest changes first, and before them those that only one version gives a value."""
    one, other = ~np.isnan(value_N), ~np.isnan(before_N)
    both = one & other
    change_N = np.where(both, value_N - before_N, 0.0)
    scale = max(1.0, float(np.abs(np.concatenate([value_N[one], before_N[other]])).max(initial=0)))
    moved = both & (np.abs(change_N) > CLOSE * scale)
    size = np.where(one != other, np.inf, np.where(moved, np.abs(change_N), 0.0))
    order = np.argsort(-size, kind="stable")
    turned, pairs = _turned(value_N, before_N, np.asarray(groups), both)
    return {
        "count": int(both.sum()), "changed": int((size > 0).sum()), "up": int((moved & (change_N > 0)).sum()),
        "down": int((moved & (change_N < 0)).sum()), "mean": float(change_N[both].mean()) if both.any() else None,
        "tau": tau_b(value_N[both], before_N[both]), "turned": turned, "pairs": pairs,
        "largest": [int(n) for n in order[: 2 * SHOWN] if size[n] > 0], "before": [number(value) for value in before_N],
    }  # fmt: skip


def _turned(value_N: Floats, before_N: Floats, groups: Any, both: Any) -> tuple[int, int]:
    """Pairs of one group that the two versions order in opposite ways, of those that both order."""
    now, then, of = value_N[both], before_N[both], groups[both]
    product = np.sign(now[:, None] - now) * np.sign(then[:, None] - then)
    pairs = np.triu(of[:, None] == of, 1) & (product != 0)
    return int((pairs & (product < 0)).sum()), int(pairs.sum())
