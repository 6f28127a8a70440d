"""The pool of processes in which runs are trained: as Celery's, but a process that ended is followed by one at once.

Each run has a process of its own. Celery looks for ended ones every five seconds, and its notice of an end often comes
a moment before the system's own: the next run would wait up to those five seconds.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

EVERY = 0.2  # seconds


class _Processes(AsynPool):
    @cached_property
    def timers(self) -> dict[Callable[[], Any], float]:
        """What the event loop calls, and how often."""
        return {self.maintain_pool: EVERY}


class RunPool(TaskPool):
    """Celery's pool of forked processes with `_Processes` behind it."""

    Pool = _Processes
