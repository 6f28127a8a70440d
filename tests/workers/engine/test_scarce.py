"""Disk and memory that really run out: what is kept, what is said, and whether the run goes on."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget
from workers.engine.checkpoint import what_is_wrong
from workers.engine.run import train

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
