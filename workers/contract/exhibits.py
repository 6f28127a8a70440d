"""An exhibit: a method beside its baseline over several seeds, as runs' documents, and what their curves say."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from workers.contract.card import Exhibit
from workers.contract.spec import RunSpec, SpecError, from_dict, to_dict

SEEDS = (0, 1, 2)
ARMS = ("baseline", "variant")
LAST = 5  # points at the end of a curve whose mean is a run's result
# Two-sided 95 % quantiles of Student's t by degrees of freedom (Fisher's table); 1.96 beyond.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval by Student's t; None at the ends with fewer than two values."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Verdict:
    """One curve of an exhibit: each arm's interval over seeds, and that of the difference variant − baseline, seed by
    seed. `appears` is true where the whole interval of the difference lies on the better side, false where it lies on
    the worse one, and None where it holds 0: three seeds do not tell."""

    curve: str
    baseline: Interval
    variant: Interval
    difference: Interval
    appears: bool | None


def runs_of(exhibit: Exhibit, base: RunSpec, name: str, seeds: Sequence[int] = SEEDS) -> dict[str, list[RunSpec]]:
    """The runs of both arms, one a seed, over the document `base`; SpecError names the field that cannot be set."""
    made: dict[str, list[RunSpec]] = {}
    for arm in ARMS:
        document = to_dict(base)
        for changes in (exhibit.shared, getattr(exhibit, arm)):
            for path, value in changes.items():
                put(document, path, value)
        made[arm] = [
            from_dict({**copy.deepcopy(document), "seed": seed, "name": f"{name} {arm} {seed}"}) for seed in seeds
        ]
    return made


def put(document: dict[str, Any], path: str, value: object) -> None:
    """Set the field at a dotted path (list items by number); SpecError where the document has no such place."""
    place: Any = document
    *parents, last = path.split(".")
    for part in parents:
        place = _inside(place, part, path)
    if isinstance(place, list):
        if not (last.isdigit() and int(last) < len(place)):
            raise SpecError(f"{path}: the list has no item {last}")
        place[int(last)] = copy.deepcopy(value)
    elif isinstance(place, dict):
        place[last] = copy.deepcopy(value)
    else:
        raise SpecError(f"{path}: nothing can be set inside {place!r:.40}")


def _inside(place: Any, part: str, path: str) -> Any:
    if isinstance(place, list) and part.isdigit() and int(part) < len(place):
        return place[int(part)]
    if isinstance(place, Mapping) and place.get(part) is not None:
        return place[part]
    raise SpecError(f"{path}: there is no {part!r} on the way")


def result(points: Mapping[int, float]) -> float | None:
    """What a curve {step: value} came to: the mean of its last points; None for an empty one."""
    newest = sorted(points)[-LAST:]
    return fmean(points[step] for step in newest) if newest else None


def interval(values: Sequence[float]) -> Interval:
    """The mean of independent values and its 95 % interval."""
    mean, count = fmean(values), len(values)
    if count < 2:
        return Interval(mean)
    quantile = T95[count - 2] if count - 2 < len(T95) else 1.96
    half = quantile * stdev(values) / sqrt(count)
    return Interval(mean, mean - half, mean + half)


def better_way(exhibit: Exhibit, curve: str) -> str:
    """Which way is better for a watched curve: `higher` for rewards, held-out ones too, else what the card says."""
    return "higher" if curve.startswith(("heldout/", "reward/")) else exhibit.better


def judge(curve: str, baseline: Mapping[int, float], variant: Mapping[int, float], better: str) -> Verdict | None:
    """The verdict on one curve from each arm's result by seed; None while no seed has both."""
    seeds = sorted(set(baseline) & set(variant))
    if not seeds:
        return None
    one, other = [baseline[seed] for seed in seeds], [variant[seed] for seed in seeds]
    gap = interval([b - a for a, b in zip(one, other, strict=True)])
    appears: bool | None = None
    if gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0):
        appears = (gap.low > 0) == (better == "higher")
    return Verdict(curve, interval(one), interval(other), gap, appears)
