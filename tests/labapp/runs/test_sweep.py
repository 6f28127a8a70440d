"""The sweep: silent workers, unsent runs, deleted runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.runs import files, launch, sweep
from labapp.runs.models import Event, Run

pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    return launch.enqueue(launch.create(team, alice, {"name": "first"}, "Sums"))


def silent(run: Run, seconds: float) -> None:
    Run.objects.filter(pk=run.pk).update(beat=timezone.now() - timedelta(seconds=seconds))


def test_a_silent_run_is_queued_again_and_a_beating_one_is_let_be(run: Run) -> None:
    assert launch.take(run.pk) is not None
    silent(run, sweep.SILENCE.total_seconds() - 3)
    assert sweep.revive() == []
    silent(run, sweep.SILENCE.total_seconds() + 1)
    [moved] = sweep.revive()
    assert (moved.state, moved.tries) == ("queued", 1)
    trouble = moved.events.filter(kind="trouble").get()
    assert "no sign of life for 10 seconds" in trouble.data["what"]
    assert sweep.revive() == []


def test_a_run_that_should_stop_and_lost_its_worker_is_stopped(run: Run) -> None:
    assert launch.take(run.pk) is not None
    launch.stop(run)
    silent(run, 60)
    [moved] = sweep.revive()
    assert moved.state == "stopped"


def test_a_run_that_never_reached_the_broker_is_sent_again(run: Run, sent: list[Any]) -> None:
    assert sweep.resend() == 1
    assert sent == [("merit.train", [str(run.pk)], "train")]
    assert sweep.resend() == 0


def test_a_run_that_waits_long_is_sent_again_only_before_an_empty_queue(
    run: Run, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Run.objects.filter(pk=run.pk).update(sent=timezone.now() - 2 * sweep.RESEND)
    monkeypatch.setattr(sweep, "_is_empty", lambda queue: False)
    assert sweep.resend() == 0
    monkeypatch.setattr(sweep, "_is_empty", lambda queue: queue == "train")
    assert sweep.resend() == 1


def test_a_queue_is_asked_for_its_length(servers: Any) -> None:
    name = "merit-test-length"
    assert sweep._is_empty(name)
    with app.connection_for_write() as connection, connection.SimpleQueue(name) as queue:
        queue.put({"hello": 1})
        assert not sweep._is_empty(name)
        queue.clear()
    assert sweep._is_empty(name)


def test_a_queue_that_cannot_be_asked_is_not_called_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = app.connection_for_write
    monkeypatch.setattr(app, "connection_for_write", lambda **more: connect("redis://127.0.0.1:1/0", **more))
    assert not sweep._is_empty("train")


def test_what_was_deleted_long_ago_is_removed_with_its_files(run: Run, team: Team, alice: User) -> None:
    other = launch.create(team, alice, {"name": "second"}, "Sums")
    launch.delete(run)
    for one in (run, other):
        files.save(f"{files.folder(one.pk)}/rollouts/step-000001.parquet", b"rows")
    checkpoint = files.checkpoint_directory(run.pk) / "step-000010"
    checkpoint.mkdir(parents=True)
    assert sweep.purge() == 0
    Run.objects.filter(pk=run.pk).update(deleted=timezone.now() - launch.UNDO - timedelta(minutes=1))
    assert sweep.purge() == 1
    assert not Run.objects.filter(pk=run.pk).exists()
    assert not Event.objects.filter(run_id=run.pk).exists()
    assert not default_storage.exists(f"runs/{run.pk}/rollouts/step-000001.parquet")
    assert not checkpoint.exists()
    assert default_storage.exists(f"runs/{other.pk}/rollouts/step-000001.parquet")
    assert Run.objects.filter(pk=other.pk).exists()
