"""However an attempt ends, its row says so."""

import errno
import os
import signal

import pytest

from labapp.runs import feed, launch
from labapp.runs.models import Run
from workers.contract.errors import Replaced, RunError, Stopped
from workers.contract.spec import SpecError
from workers.door.boundary import boundary, on_shutdown, reason_of
from workers.door.ledger import RunLedger


def happen(error: BaseException) -> None:
    raise error


def test_it_works(run: Run) -> None:
    with boundary(RunLedger(run)):
        pass
    assert Run.objects.get(pk=run.pk).state == "done"


def test_a_failure_is_recorded_with_its_place(run: Run) -> None:
    with boundary(RunLedger(run)):
        happen(RunError("reward", "gave NaN", "mend it", {"step": 3, "text": "a\x00b"}))
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.reason is not None
    trace = run.reason["evidence"].pop("traceback")
    assert run.reason == {
        "where": "reward", "what": "gave NaN", "mend": "mend it", "evidence": {"step": 3, "text": "a␀b"},
    }  # fmt: skip
    assert "test_boundary.py" in trace
    assert feed.view(run.pk)["reason"]["what"] == "gave NaN"


@pytest.mark.parametrize(
    ("error", "where", "words"),
    [
        (MemoryError(), "memory", "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "storage", "disk is full"),
        (SpecError("budget.steps: int is needed, not str 'x'"), "spec", "budget.steps"),
        (ZeroDivisionError("division by zero"), "worker", "division by zero"),
    ],
)
def test_errors_are_told_apart(error: Exception, where: str, words: str) -> None:
    reason = reason_of(error)
    assert reason["where"] == where
    assert words in reason["what"]
    assert reason["evidence"]["traceback"]


def test_a_person_stopped_it(run: Run) -> None:
    launch.stop(run)
    with boundary(RunLedger(run)):
        happen(Stopped())
    assert Run.objects.get(pk=run.pk).state == "stopped"


def test_the_worker_closes(run: Run) -> None:
    ledger = RunLedger(run)
    with on_shutdown(ledger.closing.set), boundary(ledger):
        os.kill(os.getpid(), signal.SIGTERM)
        assert ledger.closing.wait(5)
        happen(Stopped())
    assert Run.objects.get(pk=run.pk).state == "queued"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_worker_closes_while_a_person_stops_it(run: Run) -> None:
    ledger = RunLedger(run)
    ledger.closing.set()
    launch.stop(run)
    with boundary(ledger):
        happen(Stopped())
    assert Run.objects.get(pk=run.pk).state == "stopped"


def test_a_replaced_worker_says_nothing(run: Run) -> None:
    launch.put_back(run)
    newer = launch.take(run.pk)
    assert newer is not None
    for error in (Replaced(), RunError("worker", "late")):
        with boundary(RunLedger(run)):
            happen(error)
    now = Run.objects.get(pk=run.pk)
    assert (now.state, now.attempt, now.last_seq) == ("running", 2, newer.last_seq)


def test_an_exit_is_not_a_failure_of_the_run(run: Run) -> None:
    with pytest.raises(SystemExit), boundary(RunLedger(run)):
        happen(SystemExit(1))
    assert Run.objects.get(pk=run.pk).state == "running"
