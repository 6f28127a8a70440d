"""How often a reward gives which values, apart for samples labelled right, labelled wrong and not labelled."""

from typing import Any

import numpy as np

from workers.engine.agreement import RIGHT
from workers.engine.dryrun.table import Floats, Table

FEW = 8  # so many different values are bars of their own
BINS = 20


def histograms(table: Table, label_N: Floats) -> list[dict[str, Any]]:
    """One for the total and each component: {name, values or edges, right, wrong, unlabelled}, the last three counts a
    bar. `values` where there are few different ones, else bins of equal width with one more edge than bars."""
    groups = {
        "right": label_N >= RIGHT,  # NaN is neither
        "wrong": label_N < RIGHT,
        "unlabelled": np.isnan(label_N),
    }
    return [{"name": name, **_histogram(column, groups)} for name, column in table.columns().items()]


def _histogram(column: Floats, groups: dict[str, Any]) -> dict[str, Any]:
    known = ~np.isnan(column)
    values = np.unique(np.round(column[known], 9))
    if values.size <= FEW:
        nearest = np.abs(column[:, None] - values).argmin(axis=1) if values.size else np.zeros(column.size, dtype=int)
        counts = {name: np.bincount(nearest[known & of], minlength=values.size) for name, of in groups.items()}
        return {"values": values.tolist(), **{name: count.tolist() for name, count in counts.items()}}
    edges = np.linspace(column[known].min(), column[known].max(), BINS + 1)
    counts = {name: np.histogram(column[known & of], edges)[0] for name, of in groups.items()}
    return {"edges": edges.tolist(), **{name: count.tolist() for name, count in counts.items()}}
