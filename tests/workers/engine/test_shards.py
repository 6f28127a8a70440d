"""A run whose weights are split among two processes: the numbers of one process that has them all."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.workers.engine.test_ranks import assert_same_curves, children, spec_of
from tests.workers.tiny import MemoryLedger
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event
from workers.contract.resources import Lora
from workers.contract.spec import Budget, Optimiser, Pick, Pool, RunSpec
from workers.engine.checkpoint import what_is_wrong
from workers.engine.run import train


def sharded(folder: Path, **changes: Any) -> RunSpec:
    return spec_of(folder, sharded=True, **changes)


def test_the_numbers_of_one_process(tmp_path: Path) -> None:
    """Shares of two and three groups and micro-batches of one: one process reads once more than it has to."""
    spec = sharded(tmp_path)
    assert troubles(spec, read_catalogue()) == []
    one, two = MemoryLedger(tmp_path / "one"), MemoryLedger(tmp_path / "two")
    train(replace(spec, devices=1, sharded=False), one)
    train(spec, two)
    assert_same_curves(two, one, [0, 1, 2, 3, 4])
    mine, theirs = (load_file(p / "checkpoints/step-000004/model.safetensors") for p in (one.folder, two.folder))
    for name, weight in mine.items():
        torch.testing.assert_close(theirs[name], weight, atol=1e-4, rtol=1e-3)
    model = AutoModelForCausalLM.from_pretrained(two.folder / "checkpoints/step-000004")
    torch.testing.assert_close(model.state_dict()["model.norm.weight"], mine["model.norm.weight"], atol=1e-4, rtol=1e-3)


def kill_all() -> None:
    for pid in children():
        os.kill(pid, signal.SIGKILL)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """The other processes are killed when the block takes longer: a run in which all wait would wait for ever."""
    timer = Timer(seconds, kill_all)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


UNEVEN: dict[str, dict[str, Any]] = {
    "nothing to sample": {"batch_prompts": 1, "budget": Budget(steps=2, eval_every=0, checkpoint_every=0)},
    "nothing to evaluate before a step that does not sample": {
        "objective": Pick("preferences", "dpo"),
        "credit": None,
        "regularisers": (),
        "pool": Pool(8, 4, 1),
        "budget": Budget(steps=3, eval_every=1, checkpoint_every=0, eval_prompts=1),
    },
}


@pytest.mark.parametrize("name", UNEVEN)
def test_a_process_that_reads_nothing_keeps_the_others_company(tmp_path: Path, name: str) -> None:
    """All groups are the second process's: the first one reads what the other has, and adds nothing to it."""
    spec = sharded(tmp_path, **UNEVEN[name])
    one, two = MemoryLedger(tmp_path / "one"), MemoryLedger(tmp_path / "two")
    train(replace(spec, devices=1, sharded=False), one)
    with at_most(90):
        train(spec, two)
    assert_same_curves(two, one, [1, 2])


def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path) -> None:
    spec = sharded(tmp_path)
    whole = MemoryLedger(tmp_path / "whole")
    train(spec, whole)
    first, second = MemoryLedger(tmp_path / "parts", stop_after=3), MemoryLedger(tmp_path / "parts")
    with pytest.raises(Stopped):
        train(spec, first)
    train(spec, second, resume=True)
    assert first.curves() | second.curves() == whole.curves()
    name = "checkpoints/step-000004/model.safetensors"
    assert (second.folder / name).read_bytes() == (whole.folder / name).read_bytes()


class Killing(MemoryLedger):
    """Kills the other process as soon as the third step's numbers are written."""

    def write(self, events: list[Event]) -> None:
        super().write(events)
        if any(event.kind == "metrics" and event.step == 3 for event in events):
            for pid in children():
                os.kill(pid, signal.SIGKILL)


def test_a_killed_process_leaves_its_checkpoint(tmp_path: Path) -> None:
    spec = sharded(tmp_path, budget=Budget(steps=6, eval_every=0, checkpoint_every=2))
    ledger = Killing(tmp_path)
    with pytest.raises(RunError, match="process 2 of 2 was killed by SIGKILL"):
        train(spec, ledger)
    assert what_is_wrong(Path(ledger.checkpoints()) / "step-000002") is None


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    for spec in (sharded(tmp_path, devices=1), sharded(tmp_path, lora=Lora())):
        assert [trouble.path for trouble in troubles(spec, read_catalogue())] == ["sharded"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"weighting": Pick("weighting", "min_norm")}, "min_norm asks for each reward's own gradient"),
        ({"objective": Pick("objectives", "mdpo"), "credit": None}, "mdpo asks for whole next-token distributions"),
    ],
)
def test_methods_that_read_whole_weights_are_refused(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    spec = sharded(tmp_path, **changes)
    (trouble,) = (one for one in troubles(spec, read_catalogue()) if one.path == "sharded")
    assert what in trouble.what
    assert trouble.fix == {"sharded": False}
    assert not [one for one in troubles(replace(spec, sharded=False), read_catalogue()) if one.path == "sharded"]


def test_each_process_needs_a_prompt(tmp_path: Path) -> None:
    optimiser = Optimiser(learning_rate=1e-2, micro_groups=2)
    spec = sharded(tmp_path, devices=5, batch_prompts=4, optimiser=optimiser)
    (trouble,) = troubles(spec, read_catalogue())
    assert trouble.path == "batch_prompts"
    assert "each of 5 processes needs a prompt of its own; take at least 6" in trouble.what
    assert troubles(replace(spec, **trouble.fix), read_catalogue()) == []
    assert troubles(replace(spec, sharded=False), read_catalogue()) == [], "copies need not read equally often"


def test_numbers_that_are_none_end_the_run_in_words(tmp_path: Path) -> None:
    """At a learning rate of 1e30 weights are no numbers after a step or two: no process waits for another."""
    optimiser = Optimiser(learning_rate=1e30, micro_groups=1)
    spec = sharded(tmp_path, optimiser=optimiser, budget=Budget(steps=9, eval_every=0))
    with pytest.raises(RunError) as caught:
        train(spec, MemoryLedger(tmp_path))
    assert caught.value.where in ("sampling", "update")
    assert children() == []
