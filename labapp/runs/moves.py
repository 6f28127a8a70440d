"""The one way in which the row of a run changes: if it still is as it was read, and together with its events."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from labapp.runs import bell
from labapp.runs.models import Event, Run

Told = tuple[str, dict[str, Any]]  # the kind and the data of an event


def move(
    run_id: UUID | str,
    sources: Sequence[str],
    target: str,
    reason: dict[str, Any] | None = None,
    more: Sequence[Told] = (),
    where: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Run | None:
    """One compare-and-set: to `target` if the run is in one of `sources` and matches `where`; None if it does not."""
    told: list[Told] = [("state", {"state": target} | ({"reason": reason} if reason else {})), *more]
    return write(run_id, {"state__in": sources, **(where or {})}, {"state": target, "reason": reason, **changes}, told)


def write(run_id: UUID | str, where: Mapping[str, Any], changes: Mapping[str, Any], told: Sequence[Told]) -> Run | None:
    """Change the row if it matches `where`, with its events, in one transaction; None when it does not match."""
    with transaction.atomic():
        # The update takes the lock of the row, so the numbers read below belong to this transaction alone.
        if not Run.objects.filter(pk=run_id, **where).update(last_seq=F("last_seq") + len(told), **changes):
            return None
        run = Run.objects.get(pk=run_id)
        record(run, told)
    return run


def record(run: Run, told: Sequence[Told]) -> None:
    """Insert the newest events of a run, whose numbers were just taken, and ring after the commit."""
    first, now = run.last_seq - len(told) + 1, timezone.now()
    Event.objects.bulk_create(
        Event(run=run, seq=first + i, attempt=run.attempt, step=run.step, kind=kind, data=data, at=now)
        for i, (kind, data) in enumerate(told)
    )
    bell.ring_after_commit(run.pk)
