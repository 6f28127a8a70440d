"""Events as rows: what one write of a worker puts into PostgreSQL, in one transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from labapp.observatory.models import Rollout
from labapp.runs.models import Checkpoint, MetricLatest, MetricPoint, Run
from labapp.runs.models import Event as Row
from workers.contract.errors import Replaced
from workers.contract.events import Event

Told = Sequence[tuple[Event, Any]]  # events, each with its data as PostgreSQL takes them

TAKE_NUMBERS = f"""
    update {Run._meta.db_table} set last_seq = last_seq + %s, step = greatest(step, %s), beat = now()
    where id = %s and attempt = %s and state in ('running', 'stopping') returning last_seq, state"""
ADD_EVENTS = f"""
    insert into {Row._meta.db_table} (run_id, attempt, at, seq, step, kind, data)
    select %s, %s, %s, * from unnest(%s::bigint[], %s::int[], %s::text[], %s::jsonb[])"""
ADD_POINTS = f"""
    insert into {MetricPoint._meta.db_table} (run_id, at, name, step, value)
    select %s, %s, * from unnest(%s::text[], %s::int[], %s::float8[])
    on conflict (run_id, name, step) do update set value = excluded.value, at = excluded.at"""
SET_LATEST = f"""
    insert into {MetricLatest._meta.db_table} as had (run_id, name, step, value)
    select %s, * from unnest(%s::text[], %s::int[], %s::float8[])
    on conflict (run_id, name) do update set step = excluded.step, value = excluded.value
    where excluded.step >= had.step"""
ROLLOUT = (
    "run_id", "step", "index", "group", "prompt_key", "prompt", "completion", "answer", "end", "length", "rewards",
    "total", "advantage", "label", "source", "file",
)  # fmt: skip
COPY_ROLLOUTS = "copy {} ({}) from stdin".format(Rollout._meta.db_table, ", ".join(f'"{name}"' for name in ROLLOUT))


def store(run: Run, told: Told, index: Sequence[dict[str, Any]], kept: Sequence[str]) -> str:
    """Store events, points, checkpoints and the index of rollouts; the state of the run is returned.

    `kept` are the names of the checkpoints that are on disk: rows of others go. Raises Replaced, and stores nothing,
    when the run is no longer in this attempt.
    """
    done = max((event.step for event, _ in told if event.kind == "metrics"), default=0)
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        # Taking the numbers takes the lock of the run's row: rows of one run are committed in their order.
        cursor.execute(TAKE_NUMBERS, [len(told), done, run.pk, run.attempt])
        taken = cursor.fetchone()
        if taken is None:
            raise Replaced
        last, state = taken
        numbers = list(range(last - len(told) + 1, last + 1))
        steps, kinds = [event.step for event, _ in told], [event.kind for event, _ in told]
        data = [json.dumps(data) for _, data in told]
        cursor.execute(ADD_EVENTS, [run.pk, run.attempt, now, numbers, steps, kinds, data])
        _add_points(cursor, run, told, now)
        _add_checkpoints(run, told, kept, now)
        _add_rollouts(cursor, run, index)
    return str(state)


def _add_points(cursor: Any, run: Run, told: Told, now: datetime) -> None:
    """Points and newest values; of one name and step the last one counts, and nulls are no points."""
    points = {
        (name, event.step): float(value)
        for event, data in told
        if event.kind == "metrics"
        for name, value in data["values"].items()
        if value is not None
    }
    if not points:
        return
    latest = {name: (step, value) for (name, step), value in sorted(points.items(), key=lambda item: item[0][1])}
    names, steps = [name for name, _ in points], [step for _, step in points]
    cursor.execute(ADD_POINTS, [run.pk, now, names, steps, list(points.values())])
    newest = [list(latest), [step for step, _ in latest.values()], [value for _, value in latest.values()]]
    cursor.execute(SET_LATEST, [run.pk, *newest])


def _add_checkpoints(run: Run, told: Told, kept: Sequence[str], now: datetime) -> None:
    made = [data for event, data in told if event.kind == "checkpoint"]
    if not made:
        return
    Checkpoint.objects.bulk_create(
        [
            Checkpoint(run=run, at=now, step=d["step"], name=d["name"], size=d["bytes"], digest=d["digest"])
            for d in made
        ],
        update_conflicts=True,
        unique_fields=["run", "step"],
        update_fields=["name", "size", "digest", "at"],
    )
    run.checkpoints.exclude(name__in=[*kept, *(data["name"] for data in made)]).delete()


def _add_rollouts(cursor: Any, run: Run, index: Sequence[dict[str, Any]]) -> None:
    """The rows of whole steps, in place of those of an earlier attempt, by COPY: a step may have thousands."""
    if not index:
        return
    run.rollouts.filter(step__in={row["step"] for row in index}).delete()
    with cursor.copy(COPY_ROLLOUTS) as copy:
        for row in index:
            copy.write_row((run.pk, *(_copied(row[name]) for name in ROLLOUT[1:])))


def _copied(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
