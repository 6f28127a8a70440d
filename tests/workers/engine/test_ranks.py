"""One run in two real processes: the same numbers as in one, and every way in which a process may end."""

import json
import os
import signal
import subprocess
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event
from workers.contract.spec import Budget, Companion, Optimiser, Pick, Pool, RewardPick, RunSpec
from workers.engine import launch
from workers.engine.checkpoint import what_is_wrong
from workers.engine.follower import FAILED
from workers.engine.ranks import ALONE, Ranks
from workers.engine.run import train

TASKS = Path("/proc/self/task")


def spec_of(folder: Path, **changes: Any) -> RunSpec:
    """Five prompts for two processes (shares of two and three), several passes and micro-batches. The reward differs
    within each group: where gradients are zero, Adam would make steps of their rounding."""
    own: dict[str, Any] = {
        "batch_prompts": 5,
        "optimiser": Optimiser(learning_rate=1e-2, passes=2, micro_groups=1),
        "rewards": (RewardPick("low", "format", {"pattern": "[a-h]", "match": "anywhere"}),),
        "credit": Pick("credit", "rloo"),
        "devices": 2,
    }
    return tiny_spec(folder, **own | changes)


def children() -> list[int]:
    """Processes that this one started and that still run."""
    found = []
    for task in TASKS.iterdir():
        for pid in (task / "children").read_text().split():
            if "follower" in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(int(pid))
    return found


def assert_same_curves(several: MemoryLedger, one: MemoryLedger, steps: list[int]) -> None:
    for step in steps:
        assert set(several.curves()[step]) == set(one.curves()[step])
        for name, value in one.curves()[step].items():
            if name != "mismatch":
                assert several.curves()[step][name] == pytest.approx(value, abs=1e-4), (step, name)


def test_two_processes_give_the_numbers_of_one(tmp_path: Path) -> None:
    """Curves to 1e-4, the same completions and rewards in each step, and weights that agree as closely."""
    spec = spec_of(tmp_path)
    one, two = MemoryLedger(tmp_path / "one"), MemoryLedger(tmp_path / "two")
    train(replace(spec, devices=1), one)
    train(spec, two)
    assert_same_curves(two, one, [0, 1, 2, 3, 4])
    assert [e.data["values"] for e in two.kind("front")] == [
        pytest.approx(e.data["values"], abs=1e-4) for e in one.kind("front")
    ]
    assert {event.step for event in two.kind("rollouts")} == {1, 2, 3, 4}
    mine, theirs = (load_file(p / "checkpoints/step-000004/model.safetensors") for p in (one.folder, two.folder))
    for name, weight in mine.items():
        torch.testing.assert_close(theirs[name], weight, atol=1e-4, rtol=1e-3)
    assert any("2 processes, each on cpu" in event.data["text"] for event in two.kind("note"))
    assert children() == []


def test_the_same_numbers_twice_and_across_stop_and_resume(tmp_path: Path) -> None:
    """Two processes: identical to the last bit to themselves, also when a person stops the run in between."""
    spec = spec_of(tmp_path)
    whole = MemoryLedger(tmp_path / "whole")
    train(spec, whole)
    first = MemoryLedger(tmp_path / "parts", stop_after=3)
    with pytest.raises(Stopped):
        train(spec, first)
    assert first.kind("checkpoint")[-1].step == 3
    second = MemoryLedger(tmp_path / "parts")
    train(spec, second, resume=True)
    assert first.curves() | second.curves() == whole.curves()
    assert first.files | second.files == whole.files
    name = "checkpoints/step-000004/model.safetensors"
    assert (second.folder / name).read_bytes() == (whole.folder / name).read_bytes()


class Killing(MemoryLedger):
    """Kills the other process as soon as a step's numbers are written."""

    def write(self, events: list[Event]) -> None:
        super().write(events)
        if any(event.kind == "metrics" and event.step == 3 for event in events):
            for pid in children():
                os.kill(pid, signal.SIGKILL)


def test_a_killed_process_fails_the_run_and_leaves_its_checkpoint(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, budget=Budget(steps=6, eval_every=0, checkpoint_every=2))
    ledger = Killing(tmp_path)
    start = time.monotonic()
    with pytest.raises(RunError, match=r"worker: process 2 of 2 was killed by SIGKILL\. Resume the run") as caught:
        train(spec, ledger)
    assert caught.value.evidence["signal"] == "SIGKILL"
    assert time.monotonic() - start < 60
    assert what_is_wrong(Path(ledger.checkpoints()) / "step-000002") is None
    assert children() == []
    whole, again = MemoryLedger(tmp_path / "whole"), MemoryLedger(tmp_path)
    train(spec, again, resume=True)
    train(spec, whole)
    assert min(again.curves()) == 2, "the step of the checkpoint is told again, those before it are not made again"
    assert again.curves()[6] == whole.curves()[6]


class Freezing(MemoryLedger):
    """Stops the other process, without ending it, as soon as a step's numbers are written."""

    def write(self, events: list[Event]) -> None:
        super().write(events)
        if any(event.kind == "metrics" and event.step == 1 for event in events):
            for pid in children():
                os.kill(pid, signal.SIGSTOP)


def test_a_process_that_lives_and_says_nothing_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engine.launch.SILENCE", timedelta(seconds=10))
    start = time.monotonic()
    with pytest.raises(RunError, match=r"another process of the run .* Resume the run") as caught:
        train(spec_of(tmp_path, budget=Budget(steps=6, eval_every=0)), Freezing(tmp_path))
    assert "Timed out" in caught.value.evidence["said"]
    assert time.monotonic() - start < 60
    assert children() == []


def without_answers(folder: Path, spec: RunSpec) -> RunSpec:
    bare = folder / "bare.jsonl"
    bare.write_text("".join(json.dumps({"prompt": f"{n}="}) + "\n" for n in range(30)))
    return replace(spec, prompts=replace(spec.prompts, path=str(bare)))


def test_a_failure_of_the_first_process_ends_the_others(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, rewards=(RewardPick("right", "exact_answer"),))
    with pytest.raises(RunError, match="asks for the column 'answer'") as caught:
        train(without_answers(tmp_path, spec), MemoryLedger(tmp_path))
    assert caught.value.where == "reward"
    assert children() == []


def test_what_the_others_say_of_it_is_never_told_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process has ended, and has said why, before anybody asks whose failure it was."""
    sound, said = launch._blamed, list[int | None]()

    def blamed(error: RunError, children: list[subprocess.Popen[str]]) -> RunError:
        said.extend(child.wait(60) for child in children)
        return sound(error, children)

    monkeypatch.setattr(launch, "_blamed", blamed)
    spec = spec_of(tmp_path, rewards=(RewardPick("right", "exact_answer"),))
    with pytest.raises(RunError, match="asks for the column 'answer'") as caught:
        train(without_answers(tmp_path, spec), MemoryLedger(tmp_path))
    assert caught.value.where == "reward"
    assert said == [FAILED]


def stubborn(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Let the other process be one that does not end by itself, and nobody be joined."""
    made = [subprocess.Popen(["sleep", "300"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)]
    monkeypatch.setattr(launch, "_start", lambda _: made[0])
    monkeypatch.setattr(launch, "joined", lambda *_: nullcontext(ALONE))
    monkeypatch.setattr(launch, "ENDING", 0.5)
    return made


def test_a_process_that_does_not_end_is_killed_and_the_run_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (child,) = stubborn(monkeypatch)
    with launch.launched(spec_of(tmp_path), str(tmp_path), resume=False):
        assert child.poll() is None
    assert child.returncode == -signal.SIGKILL
    (child,) = stubborn(monkeypatch)
    with pytest.raises(RunError, match="my own"), launch.launched(spec_of(tmp_path), str(tmp_path), resume=False):
        raise RunError("data", "my own")
    assert child.returncode == -signal.SIGKILL


def test_a_failure_of_another_process_is_told_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process cannot read the model, which the first one has loaded from elsewhere."""
    spec = spec_of(tmp_path)
    monkeypatch.setattr("workers.engine.launch.to_dict", lambda _: broken(spec))
    with pytest.raises(RunError, match=r"model: there is no directory .* \(in process 2 of 2\)") as caught:
        train(spec, MemoryLedger(tmp_path))
    assert caught.value.evidence["process"] == 2


def broken(spec: RunSpec) -> dict[str, Any]:
    from workers.contract.spec import to_dict

    return to_dict(replace(spec, model=replace(spec.model, name="/nowhere/at/all")))


@pytest.mark.parametrize(("total", "count"), [(0, 2), (1, 2), (5, 2), (7, 3), (2, 4)])
def test_shares_are_whole_and_even(total: int, count: int) -> None:
    parts = [list(range(total))[Ranks(index, count).share(total)] for index in range(count)]
    assert [x for part in parts for x in part] == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_rows_are_whole_groups() -> None:
    group_N = torch.tensor([4, 0, 0, 2, 4, 2, 9])
    rows = [Ranks(index, 2).rows(group_N).tolist() for index in range(2)]
    assert rows == [[1, 2, 3, 5], [0, 4, 6]]
    assert ALONE.rows(group_N).tolist() == list(range(7))
    assert ALONE.first(lambda: 3) == 3
    assert ALONE.together("x") == ["x"]


RECIPES: dict[str, dict[str, Any]] = {
    "critic": {"credit": Pick("credit", "gae"), "companions": (Companion("critic", learning_rate=1e-3),)},
    "pairs": {"objective": Pick("preferences", "dpo"), "credit": None, "regularisers": (), "pool": Pool(8, 4, 2)},
    "groups": {"objective": Pick("objectives", "copg")},
    "vocabulary": {"objective": Pick("objectives", "mdpo"), "batch_prompts": 1},
}


@pytest.mark.parametrize("name", RECIPES)
def test_other_recipes_in_two_processes(tmp_path: Path, name: str) -> None:
    """A second model that learns, pairs from a stock, one loss for each group, and whole distributions with fewer
    groups than processes."""
    budget = Budget(steps=3, eval_every=3, checkpoint_every=0, eval_prompts=4)
    spec = spec_of(tmp_path, **RECIPES[name], budget=budget)
    one, two = MemoryLedger(tmp_path / "one"), MemoryLedger(tmp_path / "two")
    train(replace(spec, devices=1), one)
    train(spec, two)
    assert_same_curves(two, one, [1, 2, 3])
