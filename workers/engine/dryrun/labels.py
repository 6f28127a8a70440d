"""How far a reward agrees with labels: accuracy at a threshold, the area under the ROC curve, Kendall's tau-b."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.engine.agreement import RIGHT
from workers.engine.dryrun.resampling import Figure, drawn, with_interval
from workers.engine.dryrun.table import Floats


def agreement(value_N: Floats, label_N: Floats, prompts: Sequence[str], threshold: float) -> dict[str, Any] | None:
    """`{count, right, unit, threshold, accuracy, best, auc, tau}` over the samples with a label and a value, None where
    there are fewer than two. A label that reaches a half counts as right; tau takes labels as they are. `best` is the
    threshold with the highest accuracy, chosen anew in each draw: on samples it never saw it would do somewhat worse.
    """
    known = ~np.isnan(value_N) & ~np.isnan(label_N)
    if known.sum() < 2:
        return None
    value_N, label_N = value_N[known], label_N[known]
    right_N = label_N >= RIGHT
    draws, unit = drawn([prompt for prompt, here in zip(prompts, known, strict=True) if here])
    cuts = _thresholds(value_N, threshold)
    return {
        "count": int(known.sum()), "right": int(right_N.sum()), "unit": unit, "threshold": threshold,
        "accuracy": with_interval(_best(value_N, right_N, np.array([threshold])), draws),
        "best": {**with_interval(_best(value_N, right_N, cuts), draws), "threshold": _first(value_N, right_N, cuts)},
        "auc": with_interval(_auc(value_N, right_N), draws),
        "tau": with_interval(_tau(value_N, label_N), draws),
    }  # fmt: skip


def _thresholds(value_N: Floats, near: float) -> Floats:
    """Every cut that tells the values apart in another way, the one nearest to `near` first: of equals it is best."""
    values = np.unique(value_N)
    beyond = 2 * values[-1] - values[-2] if values.size > 1 else values[-1] + 1
    cuts = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, [beyond]])
    found: Floats = cuts[np.argsort(np.abs(cuts - near), kind="stable")]
    return found


def _hits(value_N: Floats, right_N: Any, cuts: Floats) -> Floats:
    hits: Floats = ((value_N[:, None] >= cuts) == right_N[:, None]).astype(np.float64)
    return hits


def _first(value_N: Floats, right_N: Any, cuts: Floats) -> float:
    return float(cuts[_hits(value_N, right_N, cuts).mean(axis=0).argmax()])


def _best(value_N: Floats, right_N: Any, cuts: Floats) -> Figure:
    """The highest accuracy at any of the cuts."""
    hits = _hits(value_N, right_N, cuts)

    def figure(weights: Floats) -> Floats:
        shares: Floats = (weights @ hits).max(axis=1) / weights.sum(axis=1)
        return shares

    return figure


def _auc(value_N: Floats, right_N: Any) -> Figure:
    """How often a right sample has the higher value of two, a tie counting half."""
    right, wrong = value_N[right_N], value_N[~right_N]
    above = (right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)

    def figure(weights: Floats) -> Floats:
        rights, wrongs = weights[:, right_N], weights[:, ~right_N]
        pairs = rights.sum(axis=1) * wrongs.sum(axis=1)
        share: Floats = ((rights @ above) * wrongs).sum(axis=1) / pairs
        return share

    return figure


def _tau(value_N: Floats, label_N: Floats) -> Figure:
    """Kendall's tau-b: pairs in the same order less pairs in the other, over the mean number of pairs that each of the
    two orders at all."""
    first = np.sign(value_N[:, None] - value_N)
    second = np.sign(label_N[:, None] - label_N)

    def figure(weights: Floats) -> Floats:
        same, one, other = (
            ((weights @ signs) * weights).sum(axis=1) for signs in (first * second, first**2, second**2)
        )
        share: Floats = same / np.sqrt(one * other)
        return share

    return figure


def tau_b(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b of two columns without NaN; None where one of them is constant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _tau(first, second)(np.ones((1, first.size)))[0]
    return float(value) if np.isfinite(value) else None
