"""A run with a real worker process, from launch to its end, and everything that may come between."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labapp.celery_app import app
from labapp.runs import feed, files, launch
from labapp.runs.models import Run
from tests.integration.conftest import Lab, curves, kill_worker_of, reason, state, until, until_step, wait_for
from workers.contract.fold import empty, fold

MakeRun = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("train_worker", "light_worker")


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """The curves of the first run of this module that nobody disturbs."""
    return {}


def run_undisturbed(make_run: MakeRun, kept: dict[str, Any]) -> dict[str, Any]:
    """The curves of a run of the standard spec from beginning to end; run once for the module."""
    if not kept:
        run = make_run()
        launch.enqueue(run)
        assert until(run, "done", "failed").state == "done", run.reason
        kept.update(curves(run))
    return kept


@pytest.fixture(autouse=True)
def _rows_agree(transactional_db: None) -> Iterator[None]:
    """Of every run made here: all events folded are a snapshot and the rest folded; points are the fold's points."""
    yield
    for run in Run.objects.exclude(state__in=("queued", "running")):
        events = feed.after(run, 0, 100_000)
        assert [event["seq"] for event in events] == list(range(1, run.last_seq + 1))
        half = fold(empty(), events[: len(events) // 2])
        assert fold(half, events[len(events) // 2 :]) == feed.view(run.pk)
        shown = feed.view(run.pk)["metrics"]
        points = run.points.values_list("name", "step", "value")
        assert {(n, int(s), v) for n, series in shown.items() for s, v in series.items() if v is not None} == set(
            points
        )


def test_it_works(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    run = make_run()
    launched = time.monotonic()
    launch.enqueue(run)
    wait_for(lambda: state(run) != "queued", 10)
    assert time.monotonic() - launched < 2, "a waiting worker takes a run at once"
    assert until(run, "done", "failed").state == "done", run.reason
    told = [event["data"]["state"] for event in feed.after(run, 0, 10_000) if event["kind"] == "state"]
    assert told == ["draft", "queued", "running", "done"]
    shown = feed.view(run.pk)
    assert (run.step, shown["step"], run.attempt) == (30, 30, 1)
    assert set(shown["metrics"]["reward/brevity"]) == {str(step) for step in range(1, 31)}
    assert run.rollouts.filter(step=30).count() == 16
    assert run.checkpoints.filter(step=30).exists()
    assert run.latest.get(name="reward/brevity").step == 30
    undisturbed.update(curves(run))


def test_a_killed_worker_changes_no_number(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    until_step(run, 13)
    kill_worker_of(run)
    assert until(run, "done", "failed").state == "done", run.reason
    assert run.attempt == 2
    assert curves(run) == expected
    [trouble] = feed.view(run.pk)["troubles"]
    assert trouble["where"] == "worker"
    assert "signal 9 (SIGKILL)" in trouble["what"]


def test_a_worker_killed_twice_before_and_after_a_checkpoint(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    for step in (2, 17):
        until_step(run, step)
        kill_worker_of(run)
        wait_for(lambda: state(run) != "running")
    assert until(run, "done", "failed").state == "done", run.reason
    assert curves(run) == expected


def test_killed_again_and_again_it_fails_with_a_reason(make_run: MakeRun) -> None:
    run = make_run(budget={"steps": 4000, "eval_every": 0, "eval_prompts": 4, "checkpoint_every": 0})
    launch.enqueue(run)
    for attempt in (1, 2, 3):
        wait_for(Run.objects.filter(pk=run.pk, state="running", attempt=attempt, step__gte=1).exists, 30)
        kill_worker_of(run)
    until(run, "failed")
    assert reason(run)["where"] == "worker"
    assert "died 3 times" in reason(run)["what"]
    assert "signal 9 (SIGKILL)" in reason(run)["what"]
    assert reason(run)["mend"]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    until_step(run, 7)
    launch.stop(run)
    assert until(run, "stopped", "failed").state == "stopped", run.reason
    assert run.step < 30
    assert run.checkpoints.filter(step=run.step).exists(), "who stops saves first"
    launch.enqueue(run)
    assert until(run, "done", "failed").state == "done", run.reason
    shown = curves(run)
    assert shown["metrics"] == expected["metrics"]
    assert shown["front"] == expected["front"]


def test_a_waiting_run_is_stopped_at_once(make_run: MakeRun) -> None:
    first, second = make_run(), make_run()
    launch.enqueue(first)
    until(first, "running")
    launch.enqueue(second)
    assert launch.stop(second).state == "stopped"
    assert until(first, "done", "failed").state == "done"
    time.sleep(1)
    assert state(second) == "stopped", "the message of a stopped run is read and nothing happens"


def test_a_replaced_worker_stops_and_changes_nothing(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    running = until_step(run, 8)
    assert launch.put_back(running)
    assert until(run, "done", "failed").state == "done", run.reason
    assert run.attempt == 2
    assert curves(run) == expected


def test_a_frozen_worker_is_found_by_the_sweep(make_run: MakeRun, undisturbed: dict[str, Any]) -> None:
    """Its process stands still: nobody says that it died, only its heart is not heard."""
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    until_step(run, 6)
    pid = int(run.worker.rpartition(":")[2])
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: state(run) == "queued", 20)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert until(run, "done", "failed").state == "done", run.reason
    assert run.attempt == 2
    assert "no sign of life" in feed.view(run.pk)["troubles"][0]["what"]
    assert curves(run) == expected


def test_a_run_launched_without_a_broker_is_sent_when_it_is_back(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(budget={"steps": 2, "eval_every": 0, "eval_prompts": 4, "checkpoint_every": 0})
    connect = app.connection_for_write
    with monkeypatch.context() as away:
        away.setattr(app, "connection_for_write", lambda **more: connect("redis://127.0.0.1:1/0", **more))
        begun = time.monotonic()
        launch.enqueue(run)
        assert time.monotonic() - begun < 2, "who launches does not wait for a broker"
    assert run.sent is None
    assert until(run, "done", "failed").state == "done", run.reason


def test_a_failure_says_where_and_keeps_the_trace(make_run: MakeRun) -> None:
    run = make_run(model={"name": "/nowhere/model"})
    launch.enqueue(run)
    until(run, "failed")
    assert reason(run)["where"] == "model"
    assert "/nowhere/model" in reason(run)["what"]
    assert "Traceback" in reason(run)["evidence"]["traceback"]
    assert "traceback" not in feed.view(run.pk)["reason"]["evidence"]


def test_a_path_in_a_spec_is_refused(make_run: MakeRun) -> None:
    run = make_run(prompts={"path": "/etc/passwd"})
    launch.enqueue(run)
    until(run, "failed")
    assert reason(run)["where"] == "data"
    assert "not paths" in reason(run)["what"]


def test_a_deleted_run_stops(make_run: MakeRun) -> None:
    run = make_run(budget={"steps": 4000, "eval_every": 0, "eval_prompts": 4, "checkpoint_every": 0})
    launch.enqueue(run)
    until_step(run, 1)
    launch.delete(run)
    assert until(run, "stopped", "failed").state == "stopped"
    assert files.checkpoint_directory(run.pk).exists()


def test_a_worker_that_is_asked_to_end_gives_its_run_back(
    make_run: MakeRun, lab: Lab, undisturbed: dict[str, Any], train_worker: subprocess.Popen[bytes]
) -> None:
    """The last test here: it closes the worker that the others used, and another one goes on."""
    expected = run_undisturbed(make_run, undisturbed)
    run = make_run()
    launch.enqueue(run)
    until_step(run, 7)
    train_worker.send_signal(signal.SIGTERM)
    assert train_worker.wait(20) == 0
    run.refresh_from_db()
    assert (run.state, run.tries) == ("queued", 0)
    assert run.checkpoints.filter(step=run.step).exists()
    with lab.worker("train"):
        assert until(run, "done", "failed").state == "done", run.reason
    shown = curves(run)
    assert shown["metrics"] == expected["metrics"]
    assert feed.view(run.pk)["troubles"] == []
