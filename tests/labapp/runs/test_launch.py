"""Every move of a run, and the moves that are refused: state, event and number in one transaction."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.runs import launch
from labapp.runs.models import Checkpoint, MetricLatest, MetricPoint, Run

pytestmark = pytest.mark.usefixtures("sent")
SPEC = {"name": "first", "budget": {"steps": 7}}


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    return launch.create(team, alice, SPEC, "Sums")


@pytest.fixture
def running(run: Run) -> Run:
    launch.enqueue(run)
    taken = launch.take(run.pk, "host:1")
    assert taken is not None
    return taken


def told(run: Run) -> list[tuple[int, int, str, Any]]:
    """The events of a run as (number, attempt, kind, state or text)."""
    rows = run.events.order_by("seq").values_list("seq", "attempt", "kind", "data")
    return [(seq, attempt, kind, data.get("state") or data.get("text")) for seq, attempt, kind, data in rows]


def test_it_works(
    run: Run, sent: list[Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert (run.state, run.name, run.steps, run.experiment.name) == ("draft", "first", 7, "Sums")
    with django_capture_on_commit_callbacks(execute=True):
        launch.enqueue(run)
    assert sent == [("merit.train", [str(run.pk)], "train")]
    taken = launch.take(run.pk, "host:1")
    assert taken is not None
    assert (taken.attempt, taken.worker) == (1, "host:1")
    assert taken.started is not None
    assert launch.finish(taken)
    run.refresh_from_db()
    assert (run.state, run.last_seq) == ("done", 4)
    assert run.ended is not None
    assert told(run) == [
        (1, 0, "state", "draft"), (2, 0, "state", "queued"), (3, 1, "state", "running"), (4, 1, "state", "done"),
    ]  # fmt: skip


def test_an_analysis_goes_to_the_warm_worker(
    team: Team, alice: User, sent: list[Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run = launch.create(team, alice, {"name": "scores"}, " ", kind=Run.ANALYSIS)
    assert run.experiment.name == "Experiment"
    with django_capture_on_commit_callbacks(execute=True):
        launch.enqueue(run)
    assert sent == [("merit.analyse", [str(run.pk)], "quick")]


def test_only_one_worker_takes_a_run(run: Run) -> None:
    launch.enqueue(run)
    assert launch.take(run.pk) is not None
    assert launch.take(run.pk) is None
    run.refresh_from_db()
    assert run.attempt == 1


def test_a_run_is_launched_once(running: Run) -> None:
    with pytest.raises(launch.Refused, match="running cannot be launched"):
        launch.enqueue(running)
    running.refresh_from_db()
    assert running.last_seq == 3


def test_a_worker_of_an_earlier_attempt_moves_nothing(running: Run) -> None:
    assert launch.put_back(running)
    newer = launch.take(running.pk, "host:2")
    assert newer is not None
    assert not launch.finish(running)
    assert not launch.fail(running, {"where": "worker", "what": "x"})
    assert not launch.stopped(running)
    assert launch.lost(running, "signal 9") is None
    newer.refresh_from_db()
    assert (newer.state, newer.attempt) == ("running", 2)


def test_a_waiting_run_stops_at_once_and_a_running_one_after_its_step(run: Run) -> None:
    launch.enqueue(run)
    assert launch.stop(run).state == "stopped"
    launch.enqueue(run)
    taken = launch.take(run.pk)
    assert taken is not None
    assert launch.stop(run).state == "stopping"
    assert launch.stopped(taken)
    with pytest.raises(launch.Refused, match="stopped cannot be stopped"):
        launch.stop(run)


def test_a_failure_keeps_its_reason_until_the_next_launch(running: Run) -> None:
    reason = {"where": "reward", "what": "NaN", "mend": "mend it", "evidence": {"step": 3}}
    assert launch.fail(running, reason)
    running.refresh_from_db()
    assert running.reason == reason
    last = running.events.get(seq=running.last_seq)
    assert last.data == {"state": "failed", "reason": reason}
    assert launch.enqueue(running).reason is None


def test_a_new_attempt_forgets_what_came_after_the_checkpoint(running: Run) -> None:
    now = timezone.now()
    Checkpoint.objects.create(run=running, step=2, name="c2", size=1, digest="d", at=now)
    for step in (1, 2, 3):
        MetricPoint.objects.create(run=running, name="loss", step=step, value=step / 10, at=now)
    MetricPoint.objects.create(run=running, name="late", step=3, value=1.0, at=now)
    MetricLatest.objects.create(run=running, name="loss", step=3, value=0.3)
    MetricLatest.objects.create(run=running, name="late", step=3, value=1.0)
    assert launch.put_back(running)
    taken = launch.take(running.pk)
    assert taken is not None
    assert taken.step == 2
    assert taken.events.get(seq=taken.last_seq).step == 2
    assert list(taken.points.order_by("step").values_list("step", flat=True)) == [1, 2]
    assert list(taken.latest.values_list("name", "step", "value")) == [("loss", 2, 0.2)]


def test_a_dead_worker_is_followed_by_another_until_there_is_no_progress(running: Run) -> None:
    current: Run | None = running
    for _ in range(launch.TRIES - 1):
        assert current is not None
        queued = launch.lost(current, "signal 9")
        assert queued is not None
        assert queued.state == "queued"
        current = launch.take(running.pk)
    assert current is not None
    ended = launch.lost(current, "signal 9")
    assert ended is not None
    assert (ended.state, ended.tries) == ("failed", 2)
    assert ended.reason is not None
    assert ended.reason["where"] == "worker"
    assert "3 times" in ended.reason["what"]
    assert "signal 9" in ended.reason["what"]


def test_a_new_checkpoint_gives_new_tries(running: Run) -> None:
    current: Run | None = running
    for step in range(1, 6):
        assert current is not None
        Checkpoint.objects.create(run=running, step=step, name="c", size=1, digest="d", at=timezone.now())
        queued = launch.lost(current, "signal 9")
        assert queued is not None
        assert (queued.state, queued.tries, queued.mark) == ("queued", 1, step)
        current = launch.take(running.pk)


def test_a_run_whose_heart_beats_again_is_not_lost(running: Run) -> None:
    Run.objects.filter(pk=running.pk).update(beat=timezone.now())
    assert launch.lost(running, "silence") is None


def test_a_stopping_run_without_worker_is_stopped(running: Run) -> None:
    ended = launch.lost(launch.stop(running), "signal 9")
    assert ended is not None
    assert ended.state == "stopped"


def test_a_deleted_run_stops_and_can_be_brought_back_for_a_while(running: Run) -> None:
    launch.delete(running)
    running.refresh_from_db()
    assert running.state == "stopping"
    assert running.deleted is not None
    with pytest.raises(launch.Refused, match="deleted already"):
        launch.delete(running)
    assert launch.stopped(running)
    with pytest.raises(launch.Refused, match="deleted cannot be launched"):
        launch.enqueue(running)
    launch.undelete(running)
    assert Run.objects.filter(pk=running.pk, state="stopped", deleted=None).exists()
    Run.objects.filter(pk=running.pk).update(deleted=timezone.now() - launch.UNDO - timedelta(seconds=1))
    with pytest.raises(launch.Refused, match="cannot be brought back"):
        launch.undelete(running)


def test_without_a_broker_the_run_stays_queued(
    run: Run, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def away(*args: Any, **more: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        launch.enqueue(run)
    run.refresh_from_db()
    assert run.state == "queued"
    assert run.sent is None
