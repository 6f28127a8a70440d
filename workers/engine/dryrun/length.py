"""Whether a reward pays for length: the slope of its values over the letters or tokens of the completions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.engine.dryrun.components import correlation
from workers.engine.dryrun.resampling import Figure, drawn, with_interval
from workers.engine.dryrun.table import Floats

PER = {"letters": 1000, "tokens": 100}  # over how many the rise is told
FLAT = 1e-13  # of the largest square: of draws that spread less, lengths are all the same but for rounding


def length_slope(value_N: Floats, lengths: Sequence[int], prompts: Sequence[str], of: str) -> dict[str, Any] | None:
    """`{count, slope {value, low, high}, per, of, intercept, r, unit}` of the least-squares line: the reward's rise
    over `per` letters or tokens (`of`), its value at none, and Pearson's correlation. None where lengths do not
    differ."""
    known = ~np.isnan(value_N)
    length_N = np.array(lengths, dtype=np.float64)[known]
    if length_N.size < 3 or np.ptp(length_N) == 0:
        return None
    value_N = value_N[known]
    draws, unit = drawn([prompt for prompt, here in zip(prompts, known, strict=True) if here])
    slope = with_interval(_slope(length_N / PER[of], value_N), draws)
    return {
        "count": int(known.sum()), "slope": slope, "per": PER[of], "of": of, "unit": unit,
        "r": correlation(length_N, value_N),
        "intercept": float(value_N.mean()) - (slope["value"] or 0.0) * float(length_N.mean()) / PER[of],
    }  # fmt: skip


def _slope(x: Floats, y: Floats) -> Figure:
    x, y = x - x.mean(), y - y.mean()  # sums of squares would lose their digits elsewhere
    flat = FLAT * float((x * x).max(initial=0.0))

    def figure(weights: Floats) -> Floats:
        many = weights.sum(axis=1)
        mean_x, mean_y = weights @ x / many, weights @ y / many
        spread = weights @ (x * x) / many - mean_x**2
        slope: Floats = (weights @ (x * y) / many - mean_x * mean_y) / np.where(spread > flat, spread, np.nan)
        return slope

    return figure
