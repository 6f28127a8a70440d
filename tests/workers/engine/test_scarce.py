"""Disk and memory that really run out: what is kept, what is said, and whether the run goes on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget
from workers.engine.checkpoint import what_is_wrong
from workers.engine.run import train

ROOT = Path(__file__).resolve().parents[3]
EVERY_STEP = Budget(steps=3, eval_every=0, checkpoint_every=1)


@contextmanager
def disk(place: Path, size: int) -> Iterator[None]:
    """A disk of `size` bytes at `place`."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    """A real disk with room for one checkpoint and a half. With more room the run then goes on from the sound one."""
    spec = tiny_spec(tmp_path, budget=EVERY_STEP)
    whole = MemoryLedger(tmp_path / "whole")
    train(spec, whole)
    size = whole.kind("checkpoint")[0].data["bytes"]
    with disk(tmp_path / "small", size * 3 // 2):
        full = MemoryLedger(tmp_path / "small")
        with pytest.raises(RunError, match="checkpoint: the disk is full") as caught:
            train(spec, full)
        assert caught.value.mend == "Free some space and resume the run."
        folder = Path(full.checkpoints())
        assert [path.name for path in folder.iterdir()] == ["step-000001"], "nothing half-written is left"
        assert what_is_wrong(folder / "step-000001") is None
        subprocess.run(["mount", "-o", f"remount,size={size * 4}", tmp_path / "small"], check=True)
        again = MemoryLedger(tmp_path / "small")
        train(spec, again, resume=True)
    assert again.curves()[3] == whole.curves()[3]


def with_little_memory(folder: Path, share: float) -> dict[str, Any]:
    """What a process says whose address space the kernel limits; see `short_of_memory.py`."""
    # Each tensor is mapped by itself, and given back when it goes: nothing is kept that a limit could not see.
    calm = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "MERIT_THREADS": "1"}
    command = [sys.executable, "-m", "tests.workers.engine.short_of_memory", str(folder), str(share)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **calm}, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_when_memory_runs_out_the_micro_batch_is_halved_once(tmp_path: Path) -> None:
    """Room for half of the groups and a half: told once, in the first step, and the numbers are those with room."""
    said = with_little_memory(tmp_path, 1.5)
    assert "error" not in said
    (trouble,) = said["troubles"]
    assert (trouble["step"], trouble["where"]) == (1, "memory")
    assert "micro-batches have 2 groups from now on" in trouble["what"]
    assert 0.5 < said["memory"]["memory/peak"] / said["memory"]["memory/estimate"] < 2, "the estimate is of use"
    for step, curves in said["whole"].items():
        for name, value in curves.items():
            assert said["short"][step][name] == pytest.approx(value, abs=1e-5), (step, name)


def test_when_the_half_does_not_fit_either_the_run_ends_with_the_estimate(tmp_path: Path) -> None:
    said = with_little_memory(tmp_path, 0.6)
    assert said["error"]["where"] == "memory"
    assert "did not suffice for micro-batches of 2 groups" in said["error"]["what"]
    assert "MiB were expected to be enough" in said["error"]["what"]
    assert said["error"]["evidence"]["estimate"] > 0
    assert said["troubles"] == []
