"""Runs of several processes with a real worker: the same task starts them, stops them, and says which one died."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from labapp.runs import feed, files, launch
from labapp.runs.models import Run
from tests.integration.conftest import reason, until, until_step
from workers.engine.checkpoint import what_is_wrong

MakeRun = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("train_worker", "light_worker")


def others_of(run: Run) -> list[int]:
    """The processes that the one which has the run has started, but for sandboxes."""
    parent = int(run.worker.rpartition(":")[2])
    found = [
        int(pid) for children in Path(f"/proc/{parent}/task").glob("*/children") for pid in children.read_text().split()
    ]
    return [pid for pid in found if "workers.engine.follower" in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.parametrize("sharded", [False, True])
def test_it_works(make_run: MakeRun, sharded: bool) -> None:
    run = make_run(devices=2, sharded=sharded, budget={"steps": 6, "eval_every": 3, "checkpoint_every": 3})
    launch.enqueue(run)
    assert until(run, "done", "failed", seconds=180).state == "done", run.reason
    shown = feed.view(run.pk)
    assert set(shown["metrics"]["reward/brevity"]) == {str(step) for step in range(1, 7)}
    assert run.rollouts.filter(step=6).count() == 16
    assert sorted(run.checkpoints.values_list("step", flat=True)) == [3, 6]


def test_a_stop_ends_all_processes_with_a_checkpoint(make_run: MakeRun) -> None:
    run = make_run(devices=2, budget={"steps": 100_000, "eval_every": 0, "checkpoint_every": 0})
    launch.enqueue(run)
    others = others_of(until_step(run, 2, seconds=180))
    assert len(others) == 1
    launch.stop(run)
    assert until(run, "stopped", "failed").state == "stopped", run.reason
    assert run.checkpoints.filter(step=run.step).exists()
    assert not Path(f"/proc/{others[0]}").exists()


def test_a_killed_process_fails_the_run_with_its_reason(make_run: MakeRun) -> None:
    run = make_run(devices=2, budget={"steps": 100_000, "eval_every": 0, "checkpoint_every": 2})
    launch.enqueue(run)
    (other,) = others_of(until_step(run, 3, seconds=180))
    os.kill(other, signal.SIGKILL)
    assert until(run, "failed").state == "failed"
    assert reason(run)["what"] == "process 2 of 2 was killed by SIGKILL."
    assert "Resume" in reason(run)["mend"]
    newest = max(files.checkpoint_directory(run.pk).glob("step-??????"))
    assert what_is_wrong(newest) is None
