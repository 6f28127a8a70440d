"""What a worker's parent does when the process of a run dies: the run is queued again at once, with the signal's name.

Without it the sweep would do the same after some seconds of silence, and could not say how the process died.
"""

import logging
import re
import socket
from typing import Any

from celery.exceptions import WorkerLostError
from celery.worker.request import Request
from django.db import DatabaseError, connection

from labapp.runs import launch
from labapp.runs.models import Run

logger = logging.getLogger("merit.door")


class RunRequest(Request):
    """A message that asks for a run, as the worker's parent follows it."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Queue the run again before the message goes back to the broker, so that its next reader can take it."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # the pool may wrap it with its traceback
        if isinstance(error, WorkerLostError | SystemExit):
            died(str(self.args[0]), self.worker_pid, str(error))
        return super().on_failure(exc_info, send_failed_event, return_ok)


def died(run_id: str, pid: int | str | None, words: str) -> None:
    """The process `pid` of this machine, which had the run, is no more; `words` is what the pool says of it."""
    found = re.search(r"signal \d+ \(\w+\)|exitcode \d+", words)
    how = found.group() if found else words
    try:
        mine = Run.objects.filter(pk=run_id, worker=f"{socket.gethostname()}:{pid}", state__in=launch.HELD)
        for run in mine:
            launch.lost(run, how)
    except DatabaseError as error:
        logger.warning("the sweep will find that run %s lost its worker: %s", run_id, error)
    finally:
        connection.close()  # the next process is forked from this one and must not inherit it
