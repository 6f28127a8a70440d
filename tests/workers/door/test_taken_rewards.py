"""Rewards ask what a run learned by its number, wherever a worker is asked to score."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from labapp.accounts.models import Team
from labapp.runs import files
from labapp.runs.checkpoints import taken_directory
from labapp.runs.files import checkpoint_directory
from labapp.runs.models import Run
from labapp.workshop.models import DataSet, DataVersion
from tests.workers import stored_step
from tests.workers.door.began import another
from tests.workers.engine.asked_models import save_reader
from workers.contract.errors import RunError
from workers.contract.spec import RewardPick
from workers.door.again import replay_stored
from workers.door.dryrun import dry_run_on
from workers.door.judged import judge
from workers.door.serve import _answer
from workers.door.sources import analysis_spec, train_spec

SENTENCES = {"praise": "right: good cat", "complaint": "right: bad dog"}
SAMPLES = [{"prompt": "the cat", "completion": "sat", "answer": ""}]
Ask = Callable[[dict[str, Any], str], tuple[Any, str]]


@pytest.fixture
def reader(run: Run, settings: Any, tmp_path: Path) -> tuple[Run, str]:
    """A run whose checkpoint takes any text, and where that lies."""
    settings.MERIT_HOME = tmp_path
    made = another(run, tmp_path)
    return made, save_reader(checkpoint_directory(made.pk) / "step-000004")


def copied(directory: str) -> str:
    """The same model where people keep theirs: among the checkpoints only runs are named."""
    place = Path(str(directory).replace("/checkpoints/", "/copies/"))
    return str(shutil.copytree(directory, place, dirs_exist_ok=True))


def flr(name: str) -> dict[str, Any]:
    leaf = {"kind": "rewards", "name": "flr", "params": {"name": name, **SENTENCES}}
    return {"kind": "combining", "name": "sum", "of": [leaf, leaf]}


def judged(node: dict[str, Any], owner: str) -> tuple[Any, str]:
    (made,) = judge([node], SAMPLES, owner)
    return made["values"].get(""), made["error"]


def dry_run(node: dict[str, Any], owner: str) -> tuple[Any, str]:
    made = dry_run_on(node, SAMPLES, {"owner": owner, "probes": False, "before": node})
    return (None if made["error"] else made["values"]), made["error"]


def replayed(node: dict[str, Any], owner: str) -> tuple[Any, str]:
    stored = [(3, files.save("runs/r/rollouts/step-000003.parquet", stored_step.content()))]
    made = replay_stored(stored, {"name": "read", "node": node}, owner)
    return made.get("whole", {}).get("new"), made["error"]


def served(node: dict[str, Any], owner: str) -> tuple[Any, str]:
    made = _answer(owner, node, {"prompts": ["the cat"], "completions": ["sat"]})
    return made.get("rewards"), made.get("error", "")


@pytest.mark.parametrize("ask", [judged, dry_run, replayed, served])
def test_it_works(reader: tuple[Run, str], ask: Ask) -> None:
    """As if its directory had been named."""
    run, directory = reader
    owner = str(run.team_id)
    found, error = ask(flr(f"run:{run.pk}"), owner)
    assert error == ""
    assert found == ask(flr(copied(directory)), owner)[0]
    assert found is not None


@pytest.mark.parametrize("ask", [judged, dry_run, replayed, served])
def test_a_checkpoint_is_not_named_by_its_path(reader: tuple[Run, str], ask: Ask) -> None:
    """Nobody could say whose it is."""
    run, directory = reader
    found, error = ask(flr(directory), str(run.team_id))
    assert found is None
    assert "lies among the checkpoints of runs, which are named as run:<number>" in error


@pytest.mark.parametrize("ask", [judged, dry_run, replayed, served])
def test_another_teams_run_is_not_there(reader: tuple[Run, str], ask: Ask) -> None:
    outsider = Team.objects.create(name="Other", slug="other")
    for owner in (str(outsider.pk), ""):
        found, error = ask(flr(f"run:{reader[0].pk}"), owner)
        assert found is None
        assert "his team has no run" in error


def test_a_served_reward_follows_the_run(reader: tuple[Run, str]) -> None:
    run, _ = reader
    owner = str(run.team_id)
    before = served(flr(f"run:{run.pk}"), owner)
    later = save_reader(checkpoint_directory(run.pk) / "step-000008", kind="qwen3")
    assert served(flr(f"run:{run.pk}"), owner) == served(flr(copied(later)), owner) != before


def test_a_run_and_an_analysis_keep_the_model_that_their_reward_began_with(
    reader: tuple[Run, str], tmp_path: Path
) -> None:
    source, _ = reader
    from workers.engine.checkpoint import _seal

    _seal(checkpoint_directory(source.pk) / "step-000004")
    pick = RewardPick("read", "flr", {"name": f"run:{source.pk}"})
    spec = train_spec(asking := another(source, tmp_path, rewards=(pick,)))
    kept = Path(str(spec.rewards[0].params["name"]))
    assert kept.is_relative_to(checkpoint_directory(asking.pk))
    assert (kept / "model.safetensors").samefile(checkpoint_directory(source.pk) / "step-000004" / "model.safetensors")
    held = DataSet.objects.create(team=source.team, name="Rows", kind=DataSet.COMPLETIONS)
    file = default_storage.save("data/rows.jsonl", ContentFile(b"{}\n"))
    DataVersion.objects.create(dataset=held, number=1, original="x", filename="x", file=file, digest="d")
    asking.spec = {
        "name": "scores", "dataset": f"{held.pk}@1", "tokenizer": f"run:{source.pk}",
        "rewards": [{"label": "read", "name": "flr", "params": {"name": f"run:{source.pk}"}}],
    }  # fmt: skip
    analysis = analysis_spec(asking)
    assert (analysis.tokenizer, analysis.rewards[0].params["name"]) == (str(kept), str(kept))


def test_a_run_replayed_with_its_own_reward_asks_what_it_began_with(reader: tuple[Run, str], tmp_path: Path) -> None:
    """Else it would not say the same again once the other run has learned on."""
    source, directory = reader
    asking = another(source, tmp_path)
    kept = save_reader(taken_directory(asking.pk, source.pk) / "step-000004")
    later = save_reader(checkpoint_directory(source.pk) / "step-000008", kind="qwen3")
    stored = [(3, files.save("runs/r/rollouts/step-000003.parquet", stored_step.content()))]

    def replay(name: str, own: str) -> Any:
        made = replay_stored(stored, {"name": "read", "node": flr(name)}, str(source.team_id), own)
        return made["error"], made["whole"]

    assert replay(f"run:{source.pk}", str(asking.pk)) == replay(copied(kept), "") == replay(copied(directory), "")
    assert replay(f"run:{source.pk}", "") == replay(copied(later), "") != replay(copied(kept), "")


def test_a_language_model_is_no_reward_model(reader: tuple[Run, str]) -> None:
    run, _ = reader
    node = {"kind": "rewards", "name": "scored_by_model", "params": {"name": f"run:{run.pk}"}}
    (made,) = judge([node], SAMPLES, str(run.team_id))
    assert "is no reward model: its files lack score.weight" in made["error"] + " ".join(made["faults"].values())


def test_a_run_with_a_reward_of_another_teams_run_is_refused(reader: tuple[Run, str], tmp_path: Path) -> None:
    source, _ = reader
    asking = another(source, tmp_path, rewards=(RewardPick("read", "flr", {"name": f"run:{source.pk}"}),))
    Run.objects.filter(pk=source.pk).update(team=Team.objects.create(name="Other", slug="other"))
    with pytest.raises(RunError, match="This team has no run"):
        train_spec(asking)
