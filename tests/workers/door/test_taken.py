"""A run begins with what another one learned: the same weights, for as long as it lives; and every refusal."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from labapp.accounts.models import Team
from labapp.runs.files import checkpoint_directory
from labapp.runs.models import Run
from tests.workers.door.began import another, trained
from workers.contract.errors import RunError
from workers.contract.resources import Lora
from workers.contract.spec import Budget, Model, from_dict, to_dict
from workers.door.sources import train_spec
from workers.engine.learner import make_learner


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.MERIT_HOME = tmp_path
    return tmp_path


@pytest.fixture
def first(run: Run, home: Path) -> Run:
    """A run that learned two steps."""
    made = another(run, home)
    trained(made, home)
    return made


def from_run(source: Run, home: Path, **changes: Any) -> Run:
    return another(source, home, model=Model(f"run:{source.pk}"), **changes)


def saved(run: Run, step: int) -> dict[str, Tensor]:
    return load_file(checkpoint_directory(run.pk) / f"step-{step:06d}" / "model.safetensors")


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(one[name].equal(other[name]) for name in one)


def test_it_works(first: Run, home: Path) -> None:
    learner = make_learner(train_spec(from_run(first, home)), lambda *_: None)
    now = {name: value.detach() for name, value in learner.policy.model.state_dict().items()}
    assert same(saved(first, 2), now), "the second run's step 0 is the first one's last"
    assert not same(saved(first, 1), now)
    assert not same(load_file(home / "model" / "model.safetensors"), now)


def test_a_run_keeps_what_it_began_with_when_the_other_goes_on_or_goes(first: Run, home: Path) -> None:
    """Else its reference would be another model after a resume, which the engine refuses."""
    second = from_run(first, home)
    before = train_spec(second).model.name
    assert sorted(path.name for path in Path(before).iterdir()) == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    trained(second, home)
    first.spec["budget"]["steps"] = 3
    trained(first, home)
    assert train_spec(second).model.name == before
    assert same(saved(first, 2), load_file(Path(before) / "model.safetensors"))
    shutil.rmtree(checkpoint_directory(first.pk))
    Run.objects.filter(pk=first.pk).update(deleted=first.created)
    assert train_spec(second).model.name == before
    second.spec["budget"]["steps"] = 3
    assert [event.step for event in trained(second, home).kind("checkpoint")] == [2, 3]


def test_a_later_run_begins_with_the_later_checkpoint(first: Run, home: Path) -> None:
    assert train_spec(from_run(first, home)).model.name.endswith("step-000002")
    first.spec["budget"]["steps"] = 3
    trained(first, home)
    assert train_spec(from_run(first, home)).model.name.endswith("step-000003")


def test_a_damaged_checkpoint_is_passed_over(first: Run, home: Path) -> None:
    newest = checkpoint_directory(first.pk) / "step-000002" / "config.json"
    newest.write_text(newest.read_text() + " ")
    assert train_spec(from_run(first, home)).model.name.endswith("step-000001")
    (checkpoint_directory(first.pk) / "step-000001" / "manifest.json").unlink()
    with pytest.raises(RunError, match=r"No checkpoint of the run first is sound: step-000002 \(config.json has"):
        train_spec(from_run(first, home))


def test_an_adapter_is_no_model(run: Run, home: Path) -> None:
    learned = another(run, home, lora=Lora(rank=2, alpha=4))
    trained(learned, home)
    with pytest.raises(RunError, match="learned an adapter"):
        train_spec(from_run(learned, home))


def test_split_weights_are_saved_whole(first: Run, home: Path) -> None:
    """What a sharded run saved reads like any other: nothing in its document keeps another run from it."""
    Run.objects.filter(pk=first.pk).update(spec=to_dict(replace(from_dict(first.spec), sharded=True, devices=2)))
    assert train_spec(from_run(first, home)).model.name.endswith("step-000002")


def test_refusals(first: Run, home: Path) -> None:
    second = from_run(first, home)
    fresh = from_run(another(first, home, budget=Budget(2, 0, 4, 1)), home)
    with pytest.raises(RunError, match="The run first has no checkpoint yet"):
        train_spec(fresh)
    gone = from_run(Run(pk="3b241101-e2bb-4255-8caf-4136c566a962", team=first.team, experiment=first.experiment), home)
    with pytest.raises(RunError, match="This team has no run '3b241101"):
        train_spec(gone)
    outsider = Team.objects.create(name="Other", slug="other")
    Run.objects.filter(pk=first.pk).update(team=outsider)
    with pytest.raises(RunError, match="This team has no run"):
        train_spec(second)
    Run.objects.filter(pk=first.pk).update(team=second.team, deleted=first.created)
    with pytest.raises(RunError, match="is deleted; bring it back first"):
        train_spec(second)
    Run.objects.filter(pk=first.pk).update(deleted=None, kind=Run.ANALYSIS)
    with pytest.raises(RunError, match="is an analysis"):
        train_spec(second)
    Run.objects.filter(pk=first.pk).update(kind=Run.TRAIN)
    shutil.rmtree(checkpoint_directory(first.pk))
    with pytest.raises(RunError, match="No checkpoint of the run first is on this machine"):
        train_spec(second)


@pytest.mark.parametrize("number", ["", "7", "{upper}", "{plain}", "../../etc"])
def test_a_name_that_is_no_runs_number(first: Run, home: Path, number: str) -> None:
    """There is one way to write it, by which users are found when a run is to be deleted."""
    number = number.format(upper=str(first.pk).upper(), plain=first.pk.hex)
    with pytest.raises(RunError, match="This team has no run"):
        train_spec(another(first, home, model=Model(f"run:{number}")))
