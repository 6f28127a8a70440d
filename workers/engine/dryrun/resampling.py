"""Intervals by bootstrap: how much a figure would differ had other samples been taken. Draws are always the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workers.engine.dryrun.table import Floats, number

DRAWS, SEED = 1000, 0
LEAST_PROMPTS = 8  # fewer prompts say too little of others: then completions are drawn
COVERED = (2.5, 97.5)  # percentiles between which 95 of 100 draws lie
Figure = Callable[[Floats], Floats]


def drawn(prompts: Sequence[str]) -> tuple[Floats, str]:
    """How often each of N samples is drawn, (draws, N), and what is drawn: `prompts` with all their completions, which
    are alike, or `completions` where there are few prompts."""
    numbers: dict[str, int] = {}
    of_N = np.array([numbers.setdefault(prompt, len(numbers)) for prompt in prompts])
    unit = "prompts"
    if len(numbers) < LEAST_PROMPTS:
        unit, of_N = "completions", np.arange(len(prompts))
    many = int(of_N.max()) + 1
    counts = np.random.default_rng(SEED).multinomial(many, np.full(many, 1 / many), size=DRAWS)
    return counts[:, of_N].astype(np.float64), unit


def with_interval(figure: Figure, draws: Floats) -> dict[str, Any]:
    """`{value, low, high}` of a figure that is a function of weights (draws, N); None where it is not defined, the
    interval also where it is not in more than half of the draws."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = figure(np.ones((1, draws.shape[1])))[0]
        found = figure(draws)
    known = found[np.isfinite(found)]
    low, high = np.percentile(known, COVERED) if known.size * 2 > found.size else (np.nan, np.nan)
    return {"value": number(value), "low": number(low), "high": number(high)}
