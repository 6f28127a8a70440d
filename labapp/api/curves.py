"""Metric curves, thinned by the database: a caller never gets more points than it asked for."""

from collections.abc import Iterable
from math import ceil, isfinite
from typing import Any

from django.db.models import Avg, F, IntegerField, Max, Min, Value
from django.db.models.functions import Cast

from labapp.runs.models import MetricPoint, Run


def thinned(run: Run, names: Iterable[str] | None, points: int) -> dict[str, dict[str, Any]]:
    """{name: {width, step, mean, low, high}} with at most `points` buckets of equal width a metric. Two queries."""
    rows = MetricPoint.objects.filter(run=run)
    if names is not None:
        rows = rows.filter(name__in=list(names))
    reach = rows.aggregate(first=Min("step"), last=Max("step"))
    if reach["first"] is None:
        return {}
    width = max(1, ceil((reach["last"] - reach["first"] + 1) / points))
    bucket = Cast(F("step") - Value(reach["first"]), IntegerField()) / Value(width)
    buckets = rows.annotate(bucket=bucket).values("name", "bucket")
    found = buckets.annotate(until=Max("step"), mean=Avg("value"), low=Min("value"), high=Max("value"))
    made: dict[str, dict[str, Any]] = {}
    for row in found.order_by("name", "bucket"):
        curve = made.setdefault(row["name"], {"width": width, "step": [], "mean": [], "low": [], "high": []})
        curve["step"].append(row["until"])
        for part in ("mean", "low", "high"):
            curve[part].append(finite(row[part]))
    return made


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity; a curve has a gap there."""
    return value if isfinite(value) else None
