"""Each fault of a run, caused on purpose: what is said, what is kept, and that the run goes on or ends as it should."""

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import Replaced, RunError, Stopped
from workers.contract.spec import Budget, Optimiser, Prompts, RewardPick, RunSpec
from workers.engine import checkpoint, step
from workers.engine import update as engine_update
from workers.engine.boundary import boundary
from workers.engine.checkpoint import KEPT, what_is_wrong
from workers.engine.run import train
from workers.engine.update import NonFinite, must_be_finite


def short(folder: Path, **changes: Any) -> RunSpec:
    return tiny_spec(folder, **{"budget": Budget(steps=3, eval_every=0, checkpoint_every=1)} | changes)


def breaking(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Make the advantages of some steps infinite, as a diverged critic would."""
    sound = engine_update.update

    def update(policy: Any, optimiser: Any, recipe: Any, batch: Any, *others: Any, **more: Any) -> Any:
        if batch.progress.step in steps:
            batch.weight_NT[0, 0] = torch.inf
        return sound(policy, optimiser, recipe, batch, *others, **more)

    monkeypatch.setattr(step, "update", update)


def test_a_non_finite_gradient_skips_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, {1, 2})
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    assert [event.step for event in ledger.kind("trouble")] == [1, 2]
    assert "the update was skipped" in ledger.kind("trouble")[0].data["what"]
    folder = Path(ledger.checkpoints())
    first, second = ((folder / f"step-00000{n}" / "model.safetensors").read_bytes() for n in (1, 2))
    third = (folder / "step-000003" / "model.safetensors").read_bytes()
    assert first == second != third, "a skipped step changes no weight"
    assert "loss" not in ledger.kind("metrics")[0].data["values"]
    assert [curves["skipped"] for curves in ledger.curves().values()] == [1, 1, 0]


def test_three_in_a_row_end_the_run_with_the_batch_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, {2, 3, 4})
    ledger = MemoryLedger(tmp_path)
    spec = short(tmp_path, budget=Budget(steps=9, eval_every=0, checkpoint_every=1))
    with pytest.raises(RunError, match="3 steps in a row") as caught:
        train(spec, ledger)
    assert caught.value.where == "update"
    assert caught.value.evidence["step"] == 4
    assert "gradient" in caught.value.evidence["tensor"]
    assert 0 < caught.value.evidence["share"] <= 1
    assert caught.value.evidence["file"] in ledger.files
    assert [event.step for event in ledger.kind("rollouts")] == [1, 2, 3, 4], "nothing recorded is lost"


def test_the_tensor_that_broke_is_named() -> None:
    with pytest.raises(NonFinite, match=r"25\.0% of the loss of x is no finite number"):
        must_be_finite("the loss of x", torch.tensor([1.0, torch.nan, 2.0, 3.0]))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk on which no file grows larger: the kernel refuses the write as it does on a full one."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, ledger = checkpoint.save, MemoryLedger(tmp_path)

    def save(folder: Path, learner: Any, number: int, told: Any, held: Any) -> Any:
        if number < 2:
            return sound(folder, learner, number, told)
        with files_of_at_most(20_000):
            return sound(folder, learner, number, told)

    monkeypatch.setattr(checkpoint, "save", save)
    with pytest.raises(RunError, match="disk is full") as caught:
        train(short(tmp_path), ledger)
    assert caught.value.where == "checkpoint"
    folder = Path(ledger.checkpoints())
    assert [path.name for path in folder.iterdir()] == ["step-000001"], "nothing half-written is left"
    assert what_is_wrong(folder / "step-000001") is None
    monkeypatch.undo()
    resumed = MemoryLedger(tmp_path)
    train(short(tmp_path), resumed, resume=True)
    assert max(resumed.curves()) == 3


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json", "manifest.json"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_used(tmp_path: Path, name: str) -> None:
    whole = MemoryLedger(tmp_path)
    train(short(tmp_path), whole)
    path = Path(whole.checkpoints()) / "step-000003" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content[:-1]) if name == "manifest.json" else bytes(content))
    again = MemoryLedger(tmp_path)
    train(short(tmp_path), again, resume=True)
    assert "step-000003 is damaged" in again.kind("trouble")[0].data["what"]
    assert again.curves()[3] == whole.curves()[3]
    assert what_is_wrong(path.parent) is None, "the damaged one was written anew"


@pytest.mark.parametrize("text", ["[]", "3", "null", '{"files": [1]}', '{"files": {"state.json": "x"}}', "{}"])
def test_a_manifest_that_is_json_and_nothing_else_is_corrupted(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "state.json").write_text("{}")
    assert what_is_wrong(tmp_path) == "manifest.json is corrupted"


def test_no_sound_checkpoint_is_a_failure_not_a_fresh_start(tmp_path: Path) -> None:
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path, budget=Budget(steps=1, eval_every=0)), ledger)
    (Path(ledger.checkpoints()) / "step-000001" / "manifest.json").unlink()
    with pytest.raises(RunError, match="no checkpoint is sound") as caught:
        train(short(tmp_path), MemoryLedger(tmp_path), resume=True)
    assert caught.value.where == "checkpoint"


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    ledger = MemoryLedger(tmp_path)
    spec = short(tmp_path, max_new_tokens=1, budget=Budget(steps=KEPT + 2, eval_every=0, checkpoint_every=1))
    train(spec, ledger)
    names = sorted(path.name for path in Path(ledger.checkpoints()).iterdir())
    assert names == [f"step-{n:06d}" for n in range(3, KEPT + 3)]


def test_a_checkpoint_loads_in_transformers(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    path = Path(ledger.checkpoints()) / "step-000003"
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(path, local_files_only=True)
    assert model(**tokenizer("the cat", return_tensors="pt")).logits.shape[-1] == len(tokenizer)


def test_a_prompt_that_does_not_fit_is_found_before_the_first_step(tmp_path: Path) -> None:
    spec = short(tmp_path)
    long = tmp_path / "long.jsonl"
    rows = [{"prompt": f"{n}+1="} for n in range(30)] + [{"prompt": "the cat sat " * 60}]
    long.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ledger = MemoryLedger(tmp_path)
    with pytest.raises(RunError, match="exceed the model's 96 positions") as caught:
        train(short(tmp_path, prompts=Prompts(path=str(long), heldout_share=0.2)), ledger)
    assert caught.value.where == "data"
    assert caught.value.evidence["prompt"].startswith("the cat sat")
    assert ledger.kind("metrics") == []
    assert spec.prompts.path != str(long)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "has no rows"),
        ('{"prompt": "a"}\nnonsense\n', "line 2: not JSON"),
        ('{"prompt": "  "}\n', "line 1: a row needs a prompt"),
        ('{"question": "a"}\n', "line 1: a row needs a prompt"),
        ('{"prompt": "a", "columns": 3}\n', "line 1: columns must be an object"),
        ('{"prompt": "a"}\n', "falls into the"),
    ],
)
def test_a_bad_file_of_prompts_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(RunError, match=what) as caught:
        train(short(tmp_path, prompts=Prompts(path=str(path), heldout_share=0.2)), MemoryLedger(tmp_path))
    assert caught.value.where == "data"


def test_a_reward_that_misses_its_column_is_told_with_the_step(tmp_path: Path) -> None:
    bare = tmp_path / "bare.jsonl"
    bare.write_text("".join(json.dumps({"prompt": f"{n}="}) + "\n" for n in range(30)))
    spec = short(
        tmp_path, prompts=Prompts(path=str(bare), heldout_share=0.2), rewards=(RewardPick("right", "exact_answer"),)
    )
    with pytest.raises(RunError, match="asks for the column 'answer'"):
        train(spec, MemoryLedger(tmp_path))


def test_divergence_ends_in_words(tmp_path: Path) -> None:
    """A learning rate of 1e30: the weights are no numbers any more after a step or two."""
    with pytest.raises(RunError) as caught:
        train(
            short(tmp_path, optimiser=Optimiser(learning_rate=1e30), budget=Budget(steps=20, eval_every=0)),
            MemoryLedger(tmp_path),
        )
    assert caught.value.where in ("sampling", "update")


def test_the_boundary_classifies_and_lets_requests_through() -> None:
    for request in (Stopped, Replaced):
        with pytest.raises(request), boundary("worker"):
            raise request
    with pytest.raises(RunError) as caught, boundary("credit", "credit/x", step=3):
        raise ValueError("two is too few")
    assert (caught.value.where, caught.value.what, caught.value.evidence) == (
        "credit", "credit/x: two is too few", {"step": 3}
    )  # fmt: skip
    with pytest.raises(RunError) as caught, boundary("update"):
        raise torch.OutOfMemoryError("gone")
    assert caught.value.where == "memory"
    with pytest.raises(RunError) as caught, boundary("worker"):
        raise OSError(28, "No space left on device")
    assert caught.value.where == "storage"
    with pytest.raises(RunError) as caught, boundary("worker", step=1), boundary("reward", step=2):
        raise KeyError("x")
    assert (caught.value.where, caught.value.what, caught.value.evidence["step"]) == ("reward", "KeyError: 'x'", 2)
