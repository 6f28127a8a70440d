"""A run's curves, thinned in the database so that a browser never gets more points than it has pixels."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from labapp.runs.models import MetricPoint, Run

MOST = 1000

# Each curve falls into at most MOST buckets of neighbouring steps; a bucket gives its mean at its last step.
THINNED = """
    SELECT name, max(step), avg(value) FROM (
        SELECT name, step, value,
               ntile(%s) OVER (PARTITION BY name ORDER BY step) AS bucket
        FROM runs_metricpoint WHERE run_id = %s
    ) AS points GROUP BY name, bucket ORDER BY name, bucket
"""


def curves(run: Run, most: int = MOST) -> dict[str, dict[str, list[Any]]]:
    """`{name: {step: [...], value: [...]}}`, at most `most` points a curve. One query."""
    series: dict[str, dict[str, list[Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(THINNED, [most, run.pk])
        for name, step, value in cursor.fetchall():
            one = series.setdefault(name, {"step": [], "value": []})
            one["step"].append(step)
            one["value"].append(value)
    return series


def csv_rows(run: Run) -> Iterator[list[Any]]:
    """Every point of every curve, unthinned, one line each under a head."""
    yield ["name", "step", "value", "at"]
    points = MetricPoint.objects.filter(run=run).order_by("name", "step")
    for name, step, value, at in points.values_list("name", "step", "value", "at").iterator(chunk_size=2000):
        yield [name, step, value, at.isoformat()]
