"""Checkpoints: a directory that is there whole or not at all, and that says by checksums whether it is still sound.

`model.safetensors`, its configuration and tokenizer load in transformers; `optimiser.safetensors`, `memory.safetensors`
and `state.json` hold what else the run needs to go on exactly. Randomness follows from the seed and the step (see
`seeds.py`), so no generator is stored.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.spec import to_dict
from workers.engine import shards
from workers.engine.boundary import boundary
from workers.engine.learner import Learner, reload_policy
from workers.engine.optimiser import tensors_of

KEPT = 10
MANIFEST = "manifest.json"
UNFINISHED = ".part"
# What may differ when a run goes on: how long it runs, and what it is called.
FREE = ("name", "budget")


@dataclass(frozen=True)
class Saved:
    """A checkpoint on disk: its step, directory, size in bytes and the digest of its manifest."""

    step: int
    path: Path
    size: int
    digest: str

    def event(self) -> dict[str, Any]:
        """The data of its event."""
        return {"step": self.step, "name": self.path.name, "bytes": self.size, "digest": self.digest}


@dataclass(frozen=True)
class Held:
    """Whole weights and the optimiser's whole state, where no process has them by itself."""

    weights: dict[str, Tensor]
    state: dict[str, Tensor]


def hold(learner: Learner) -> Held | None:
    """What the first process cannot write alone; all processes must ask. None where each has everything."""
    model = learner.policy.model
    if not shards.is_sharded(model):
        return None
    with shards.resting(model):
        return Held(shards.whole_weights(model), shards.whole_state(learner.optimiser, model))


def save(folder: Path, learner: Learner, step: int, told: list[dict[str, Any]], held: Held | None = None) -> Saved:
    """Write the checkpoint of `step` and drop all but the newest ten; RunError at `checkpoint` when it cannot be
    written, and then every earlier one is as it was.

    `told` are the step's events as JSON values: a worker that dies between the checkpoint and its events leaves them
    to the next one.
    """
    path = folder / f"step-{step:06d}"
    part = path.with_name(path.name + UNFINISHED)
    with boundary("checkpoint", step=step):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            _write(part, learner, step, told, held)
            _seal(part)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        shutil.rmtree(path, ignore_errors=True)
        part.rename(path)
        _sync(folder)
    _prune(folder)
    return _saved(path, step)


def restore(folder: Path, learner: Learner) -> tuple[Saved | None, list[dict[str, Any]], list[str]]:
    """Put the newest sound checkpoint into the learner: (it, the events of its step, why newer ones were refused).

    None when there is none at all. RunError at `checkpoint` when there are some and none is sound, or when the spec
    differs in more than length and name.
    """
    refused: list[str] = []
    for path in _newest_first(folder):
        problem = what_is_wrong(path)
        if problem is None:
            state = json.loads((path / "state.json").read_text())
            _must_match(learner, state["spec"])
            with boundary("checkpoint", path.name):
                _put_back(path, learner, state)
            return _saved(path, state["step"]), state["events"], refused
        refused.append(f"{path.name} is damaged ({problem})")
    if refused:
        mend = "Start the run anew, or put back a copy of its checkpoints."
        raise RunError("checkpoint", f"no checkpoint is sound: {'; '.join(refused)}.", mend)
    return None, [], []


def what_is_wrong(path: Path) -> str | None:
    """Why a checkpoint cannot be trusted; None when each file is as it was written."""
    try:
        files = json.loads((path / MANIFEST).read_text())["files"]
        for name, said in files.items():
            if _digest(path / name) != said["sha256"]:
                return f"{name} has changed"
    except (AttributeError, KeyError, TypeError):  # JSON, but not the objects that are written here
        return f"{MANIFEST} is corrupted"
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _write(part: Path, learner: Learner, step: int, told: list[dict[str, Any]], held: Held | None) -> None:
    learner.policy.model.save_pretrained(part, state_dict=None if held is None else held.weights)
    learner.loaded.tokenizer.save_pretrained(part)
    state = tensors_of(learner.optimiser, learner.policy.model) if held is None else held.state
    save_file(state, part / "optimiser.safetensors")
    for keeper in learner.keepers():
        save_file(keeper.tensors(), part / f"{keeper.name}.safetensors")
    memories = learner.supply.memories
    flat = {f"{at}:{name}": value.contiguous() for at, memory in memories.items() for name, value in memory.items()}
    save_file(flat, part / "memory.safetensors")
    said = {"step": step, "spec": to_dict(learner.spec), "events": told}
    (part / "state.json").write_text(json.dumps(said, ensure_ascii=False, indent=1))


def _put_back(path: Path, learner: Learner, state: dict[str, Any]) -> None:
    with shards.resting(learner.policy.model):
        reload_policy(learner, str(path))
        shards.put_state(learner.optimiser, learner.policy.model, load_file(path / "optimiser.safetensors"))
    for keeper in learner.keepers():
        keeper.restore(load_file(path / f"{keeper.name}.safetensors"))
    learner.supply.memories.clear()
    for key, tensor in load_file(path / "memory.safetensors").items():
        address, _, name = key.rpartition(":")
        memory = learner.supply.memories.setdefault(address, {})
        memory[name] = tensor.to(learner.policy.device)


def _saved(path: Path, step: int) -> Saved:
    return Saved(step, path, sum(file.stat().st_size for file in path.iterdir()), _digest(path / MANIFEST))


def _seal(part: Path) -> None:
    """Write the manifest and force everything to the disk: a rename must never come before the data."""
    files = {file.name: {"sha256": _digest(file), "bytes": file.stat().st_size} for file in sorted(part.iterdir())}
    manifest = {"files": files, "torch": torch.__version__}
    (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for file in part.iterdir():
        _sync(file)
    _sync(part)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest_first(folder: Path) -> Iterator[Path]:
    yield from sorted((p for p in folder.glob("step-*") if not p.name.endswith(UNFINISHED)), reverse=True)


def _prune(folder: Path) -> None:
    for path in list(_newest_first(folder))[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _must_match(learner: Learner, then: dict[str, Any]) -> None:
    now = to_dict(learner.spec)
    for document in (now, then):
        # The same rows may lie elsewhere on the machine that takes the run up.
        document["prompts"]["path"] = Path(document["prompts"]["path"]).name
    changed = [name for name in now if name not in FREE and now[name] != then.get(name)]
    if changed:
        what = f"the run's {', '.join(changed)} changed since its checkpoint was written."
        raise RunError("checkpoint", what, "Clone the run to go on with other settings.", {"changed": changed})
