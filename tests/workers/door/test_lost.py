"""A process that died with a run, as the worker's parent hears of it."""

import os
import socket

from labapp.runs.models import Run
from workers.door.lost import died


def of(run: Run, worker: str) -> None:
    Run.objects.filter(pk=run.pk).update(worker=worker)


def test_it_works(run: Run) -> None:
    of(run, f"{socket.gethostname()}:77")
    died(str(run.pk), 77, "Worker exited prematurely: signal 11 (SIGSEGV) Job: 0.")
    run.refresh_from_db()
    assert (run.state, run.tries, run.worker) == ("queued", 1, "")
    assert run.reason is not None
    assert "(signal 11 (SIGSEGV))" in run.reason["what"]


def test_a_run_that_another_process_has_is_let_be(run: Run) -> None:
    for worker in (f"{socket.gethostname()}:78", "elsewhere:77"):
        of(run, worker)
        died(str(run.pk), 77, "Worker exited prematurely: exitcode 1.")
        assert Run.objects.get(pk=run.pk).state == "running"


def test_a_run_that_was_to_stop_is_stopped(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(worker=f"{socket.gethostname()}:{os.getpid()}", state="stopping")
    died(str(run.pk), os.getpid(), "signal 9 (SIGKILL)")
    assert Run.objects.get(pk=run.pk).state == "stopped"
