"""Checkpoints in the plane of two rewards: the non-dominated set, and the hypervolume that it dominates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labapp.runs.models import Event, Run
from workers.contract.fold import empty, fold


@dataclass(frozen=True)
class Axes:
    """The two rewards that are compared, and the reference point from which volume is counted (None: chosen here)."""

    x: str
    y: str
    ref_x: float | None = None
    ref_y: float | None = None


def known(run: Run) -> dict[str, dict[str, Any]]:
    """A run's front, {step: {values, errors}}, as the fold of all its events has it. One query.

    A new attempt begins with an event of kind `state`, so these and the points are enough to know which points stand.
    """
    rows = Event.objects.filter(run=run, kind__in=("front", "state")).order_by("seq")
    front: dict[str, dict[str, Any]] = fold(empty(), rows.values("seq", "attempt", "step", "kind", "data"))["front"]
    return front


def labels(front: Mapping[str, Mapping[str, Any]], order: Sequence[str]) -> list[str]:
    """The rewards that every point of a run's front has: those of `order` first and in that order.

    Without a point these are `order` itself.
    """
    points = list(front.values())
    if not points:
        return list(order)
    shared = [name for name in points[0]["values"] if all(name in point["values"] for point in points)]
    return [name for name in order if name in shared] + [name for name in shared if name not in order]


def describe(
    front: Mapping[str, Mapping[str, Any]], axes: Axes, names: Sequence[str], upto: int | None = None
) -> dict[str, Any]:
    """Points, non-dominated set, staircase, hypervolume (more is better in both rewards).

    `front` is {step: {values, errors}} as the fold keeps it, `names` what may be chosen for an axis. The reference
    point, where not given, lies a tenth of the spread below the lowest value of each axis, so that every point counts.
    """
    steps = sorted(int(step) for step in front if upto is None or int(step) <= upto)
    points = [_point(step, front[str(step)], axes) for step in steps]
    points = [point for point in points if point["x"] is not None and point["y"] is not None]
    reference = {"x": _reference(points, "x", axes.ref_x), "y": _reference(points, "y", axes.ref_y)}
    best = _best(points)
    for point, mark in zip(points, best, strict=True):
        point["best"] = mark
    chosen = sorted((point["x"], point["y"]) for point in points if point["best"])
    return {
        "labels": list(names), "x": axes.x, "y": axes.y, "points": points, "reference": reference,
        "hypervolume": _volume(points, reference), "staircase": _staircase(chosen, reference),
    }  # fmt: skip


def _point(step: int, data: Mapping[str, Any], axes: Axes) -> dict[str, Any]:
    errors = data.get("errors") or {}
    return {
        "step": step, "x": data["values"].get(axes.x), "y": data["values"].get(axes.y),
        "x_error": errors.get(axes.x) or 0.0, "y_error": errors.get(axes.y) or 0.0,
    }  # fmt: skip


def _reference(points: list[dict[str, Any]], name: str, given: float | None) -> float:
    if given is not None:
        return given
    values: list[float] = [point[name] for point in points] or [0.0]
    spread = max(values) - min(values)
    return round(min(values) - (0.1 * spread if spread > 0 else 0.1), 4)


def _best(points: list[dict[str, Any]]) -> list[bool]:
    if not points:
        return []
    import moocore  # here, so that commands and workers that never draw a front start without it

    marks = moocore.is_nondominated([[p["x"], p["y"]] for p in points], maximise=True, keep_weakly=True)
    return [bool(mark) for mark in marks]


def _volume(points: list[dict[str, Any]], reference: Mapping[str, float]) -> float:
    if not points:
        return 0.0
    import moocore

    values = [[point["x"], point["y"]] for point in points]
    volume: float = moocore.hypervolume(values, ref=[reference["x"], reference["y"]], maximise=True)
    return volume


def _staircase(chosen: list[tuple[float, float]], reference: Mapping[str, float]) -> list[list[float]]:
    """The edge of the dominated region above the reference point, from its upper left to its lower right corner."""
    inside = [(x, y) for x, y in chosen if x > reference["x"] and y > reference["y"]]
    corners: list[list[float]] = []
    left = reference["x"]
    for x, y in inside:
        corners += [[left, y], [x, y]]
        left = x
    return [*corners, [left, reference["y"]]] if corners else []
