"""What each component gives to the total: its spread, its share of the variance, and what it goes along with."""

from typing import Any

import numpy as np

from workers.engine.dryrun.table import Floats, Table, number

CLOSE = 1e-9  # relative; sums of the same numbers in another order differ by less


def components(table: Table) -> dict[str, Any]:
    """`{rows, correlations, adds_up}`: a row {name, depth, count, mean, sd, least, most, share, distinct} for the
    total and each component, Pearson correlations in the same order (None where one is constant), and whether the
    direct components add up to the total, so that their shares add up to 1."""
    columns = table.columns()
    rows = [
        {**described(column), "name": name, "depth": table.depths.get(name, 0), "share": variance_share(column, table)}
        for name, column in columns.items()
    ]
    return {"rows": rows, "correlations": _correlations(list(columns.values())), "adds_up": _adds_up(table)}


def described(column: Floats) -> dict[str, Any]:
    """{count, mean, sd, least, most, distinct} of the numbers in a column; None where there are too few."""
    known = column[~np.isnan(column)]
    if not known.size:
        return {"count": 0, "mean": None, "sd": None, "least": None, "most": None, "distinct": 0}
    # The rounded mean of equal numbers may be another one, from which they would then differ.
    sd = None if known.size < 2 else 0.0 if np.ptp(known) == 0 else float(known.std(ddof=1))
    return {
        "count": int(known.size), "mean": float(known.mean()), "least": float(known.min()), "most": float(known.max()),
        "sd": sd, "distinct": int(np.unique(known).size),
    }  # fmt: skip


def variance_share(column: Floats, table: Table) -> float | None:
    """The covariance of a column with the total over the variance of the total, where the total has a value. A
    component that does not apply counts as 0, as it does in a sum; then the shares of a sum's parts add up to 1."""
    known = ~np.isnan(table.total_N)
    total_N = table.total_N[known]
    if total_N.size < 2 or np.ptp(total_N) == 0:
        return None
    away_N = total_N - total_N.mean()
    return float(np.nan_to_num(column[known]) @ away_N / (away_N @ away_N))


def correlation(first: Floats, second: Floats) -> float | None:
    """Pearson's correlation over the samples that both have; None where one of them is constant there."""
    both = ~np.isnan(first) & ~np.isnan(second)
    a, b = first[both], second[both]
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    return number(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def _correlations(columns: list[Floats]) -> list[list[float | None]]:
    return [[correlation(first, second) for second in columns] for first in columns]


def _adds_up(table: Table) -> bool:
    parts = [column for name, column in table.parts.items() if table.depths[name] == 1]
    if not parts:
        return False
    known = ~np.isnan(table.total_N)
    made = np.nansum(parts, axis=0)[known]
    scale = max(1.0, float(np.abs(made).max(initial=0)))
    return bool(np.all(np.abs(made - table.total_N[known]) <= CLOSE * scale))
