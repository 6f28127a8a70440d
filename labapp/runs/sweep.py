"""What goes round every few seconds: runs whose worker fell silent, runs that no worker was asked for, deleted runs.

Safe to run anywhere, at any time and twice at once: every change is a compare-and-set of `launch.py`.
"""

import logging
import os
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from labapp.celery_app import app
from labapp.observatory.models import Rollout
from labapp.runs import files, launch
from labapp.runs.models import LIVE, Event, MetricPoint, Run
from labapp.runs.run_names import name_of
from labapp.workshop.uses import runs_of_model

logger = logging.getLogger("merit.sweep")

SILENCE = timedelta(seconds=float(os.environ.get("MERIT_SILENCE", "10")))  # five missed beats: the worker is dead
RESEND = timedelta(seconds=30)  # after which a run that waits before an empty queue is sent once more


def sweep() -> None:
    """Go round once."""
    revive()
    resend()
    purge()


def revive() -> list[Run]:
    """Queue again, fail or stop the runs whose heart stopped; those that were moved are returned."""
    silent = Run.objects.filter(state__in=launch.HELD, beat__lt=Now() - SILENCE)
    how = f"it gave no sign of life for {SILENCE.total_seconds():.0f} seconds"
    moved = [launch.lost(run, how) for run in silent]
    return [run for run in moved if run is not None]


def resend() -> int:
    """Send the queued runs that no worker can know of: the broker was away, or lost what it had. Returns how many."""
    late = timezone.now() - RESEND
    waiting = Run.objects.filter(state="queued", deleted=None).filter(Q(sent=None) | Q(sent__lt=late))
    kinds = {kind for kind in waiting.values_list("kind", flat=True).distinct() if _is_empty(launch.TASKS[kind][1])}
    # Before a queue that holds messages a run waits its turn; a message more for each round would only fill it.
    asked = waiting.filter(Q(sent=None) | Q(kind__in=kinds)).order_by("queued").values_list("pk", "kind")
    return sum(launch.send(run_id, kind) for run_id, kind in asked)


def purge() -> int:
    """Remove for good what was deleted too long ago to be brought back: files first, then rows. Returns how many.

    A run whose model another names waits until that one is gone: it may have been brought back.
    """
    gone = Run.objects.filter(deleted__lt=timezone.now() - launch.UNDO).exclude(state__in=LIVE)
    count = 0
    for run in gone.order_by("-created"):  # who names a model before whom it is
        if runs_of_model(name_of(run), run.team_id).exclude(pk=run.pk).exists():
            continue
        # Were the rows removed first, a fault between the two would leave files that nobody knows of.
        files.remove(run.pk)
        for model in (Event, MetricPoint, Rollout):
            model.objects.filter(run=run).delete()
        run.delete()
        logger.info("run %s was removed for good", run.pk)
        count += 1
    return count


def _is_empty(queue: str) -> bool:
    """Whether the broker holds no message in `queue`; False when it cannot be asked."""
    try:
        with app.connection_for_write(transport_options=launch.IMPATIENT) as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue).message_count) == 0
    except (OperationalError, OSError):
        return False
