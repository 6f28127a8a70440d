"""What a run learned as the model of another: offered in the form, kept by it, checked before anything is queued."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.test import Client

from labapp import shelf
from labapp.runs import launch, learned, prechecks
from labapp.runs.files import checkpoint_directory
from labapp.runs.guided import guided
from labapp.runs.model_checks import model_facts
from labapp.runs.models import Run
from tests.labapp.runs.browser_form import NEW, page, send, spec_of
from tests.labapp.runs.checkpointed import checkpointed, save_checkpoint
from workers.contract.rewardnode import Node
from workers.contract.spec import Companion, Model, RewardPick, RunSpec, to_dict

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User

CATALOGUE = shelf.catalogue()


def taking(run: Run) -> RunSpec:
    return replace(guided(CATALOGUE), model=Model(f"run:{run.pk}"))


def refused(spec: RunSpec, team: Team) -> dict[str, str]:
    return {one.path: one.what for one in prechecks.troubles(spec, CATALOGUE, team)}


def test_it_works(alice_client: Client, teacher: Run) -> None:
    name = f"run:{teacher.pk}"
    chosen = page(alice_client).data | {"model.source": "run", "model.run": name}
    assert send(alice_client, chosen, "launch").status_code == 302
    made = Run.objects.exclude(pk=teacher.pk).get()
    assert (made.state, made.spec["model"]["name"]) == ("queued", name)


def test_the_form_offers_the_teams_runs_with_a_checkpoint_and_no_others(
    alice_client: Client, charlie_client: Client, team: Team, teacher: Run
) -> None:
    none = checkpointed(team, "none yet", ())
    adapter = checkpointed(team, "adapter", lora={"rank": 2, "alpha": 4, "targets": ""})
    hidden = checkpointed(team, "hidden")
    launch.delete(hidden)
    html = alice_client.get(NEW).content.decode()
    assert f'<option value="run:{teacher.pk}">teacher · step 20 · ' in html
    assert not any(f"run:{one.pk}" in html for one in (none, adapter, hidden))
    assert html.count(f'value="run:{teacher.pk}"') == 2, "in the choice, and in the list that other fields offer"
    elsewhere = charlie_client.get(NEW).content.decode()
    assert "No run has a checkpoint yet" in elsewhere
    assert str(teacher.pk) not in elsewhere


def test_a_clone_keeps_it_and_the_form_shows_it(alice_client: Client, team: Team, alice: User, teacher: Run) -> None:
    second = launch.create(team, alice, to_dict(taking(teacher)), "Lessons")
    form = page(alice_client, f"{NEW}?clone={second.pk}")
    assert (form.data["model.source"], form.data["model.run"]) == ("run", f"run:{teacher.pk}")
    assert spec_of(form).model == Model(f"run:{teacher.pk}")
    shutil.rmtree(checkpoint_directory(teacher.pk))
    teacher.checkpoints.all().delete()
    html = alice_client.get(f"{NEW}?clone={second.pk}").content.decode()
    assert f'<option value="run:{teacher.pk}" selected>teacher</option>' in html, "what is chosen is not lost"
    assert "the run teacher has no checkpoint yet" in html


def test_a_run_is_begun_from_the_page_of_another(alice_client: Client, vera_client: Client, teacher: Run) -> None:
    address = f"/runs/{teacher.pk}/?tab=files"
    assert f"{NEW}?begin={teacher.pk}" in alice_client.get(address).content.decode()
    assert "?begin=" not in vera_client.get(address).content.decode()
    spec = spec_of(page(alice_client, f"{NEW}?begin={teacher.pk}"))
    assert (spec.model.name, spec.name) == (f"run:{teacher.pk}", "teacher again")


def test_the_checks_read_the_checkpoints_files(team: Team, teacher: Run) -> None:
    """96 positions, as its config.json says; the optimiser's tensors are none of the model's."""
    facts = model_facts(taking(teacher), team.pk)
    assert facts is not None
    assert (facts.longest, facts.weights) == (96, 12)
    assert facts.sizes is not None
    assert refused(taking(teacher), team) == {}
    long = refused(replace(taking(teacher), max_new_tokens=200), team)["max_new_tokens"]
    assert "more than the model's 96 positions" in long
    assert "chat template" in refused(replace(taking(teacher), model=Model(f"run:{teacher.pk}", chat=True)), team)[
        "model.chat"
    ]  # fmt: skip


def test_the_memory_estimate_is_that_of_the_checkpoint(alice_client: Client, teacher: Run) -> None:
    data = page(alice_client).data | {"model.source": "run", "model.run": f"run:{teacher.pk}"}
    assert "frozen models" in send(alice_client, data, "check").content.decode()


def test_refusals(team: Team, teacher: Run, charlie: User) -> None:
    assert "choose a run" in str(refused_form(""))
    elsewhere = charlie.memberships.get().team
    assert "this team has no run" in refused(taking(teacher), elsewhere)["model.name"]
    assert "has no checkpoint yet" in refused(taking(checkpointed(team, "new", ())), team)["model.name"]
    adapter = checkpointed(team, "adapter", lora={"rank": 2, "alpha": 4, "targets": ""})
    assert "learned an adapter" in refused(taking(adapter), team)["model.name"]
    launch.delete(adapter)
    assert "is deleted" in refused(taking(adapter), team)["model.name"]
    shutil.rmtree(checkpoint_directory(teacher.pk))
    assert "no checkpoint of the run teacher is on this machine" in refused(taking(teacher), team)["model.name"]
    for odd in ("run:", "run:7", f"run:{str(teacher.pk).upper()}"):
        assert "this team has no run" in refused(replace(taking(teacher), model=Model(odd)), team)["model.name"]


def refused_form(name: str) -> list[Any]:
    from labapp.runs.fields import parse
    from labapp.runs.filling import fill

    data = fill(guided(CATALOGUE), CATALOGUE, "x") | {"model.source": "run", "model.run": name}
    return parse(data, CATALOGUE, {}).wrong


def test_companions_and_rewards_are_checked_too(team: Team, teacher: Run) -> None:
    none = f"run:{checkpointed(team, 'new', ()).pk}"
    tree = Node("combining", "clip", of=(Node("rewards", "flr", {"name": none}),))
    spec = replace(
        guided(CATALOGUE),
        rewards=(RewardPick("a", "flr", {"name": none}), RewardPick("b", "tree:1@1", tree=tree)),
        companions=(Companion("guide", Model(none)),),
    )
    found = refused(spec, team)
    for path in ("rewards.0.params.name", "rewards.1.tree.of.0.params.name", "companions.0.model.name"):
        assert "the run new has no checkpoint yet" in found[path], path
    there = replace(spec, rewards=(RewardPick("a", "flr", {"name": f"run:{teacher.pk}"}),), companions=())
    assert refused(there, team) == {}


def test_the_newest_checkpoint_is_the_one(team: Team, teacher: Run) -> None:
    assert [one.step for one in learned.learned(team.pk, f"run:{teacher.pk}")] == [20, 10]
    (checkpoint_directory(teacher.pk) / "step-000030.part").mkdir()
    save_checkpoint(teacher, 25)
    assert learned.learned(team.pk, f"run:{teacher.pk}")[0].step == 25


def test_rest_takes_it_and_refuses_it(alice_client: Client, charlie_client: Client, teacher: Run) -> None:
    body = {"spec": to_dict(taking(teacher)), "experiment": "E", "launch": False}
    made = alice_client.post("/api/v1/runs", body, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["spec"]["model"]["name"] == f"run:{teacher.pk}"
    refusal = charlie_client.post("/api/v1/runs", body, content_type="application/json")
    assert refusal.status_code == 422
    assert "this team has no run" in refusal.content.decode()


def test_a_field_of_a_reward_that_names_a_model_offers_the_runs(alice_client: Client, teacher: Run) -> None:
    data = page(alice_client, f"{NEW}?try=rewards/flr").data
    html = send(alice_client, data, "change").content.decode()
    field = next(part for part in html.split("<input") if 'name="rewards.2.params.name"' in part)
    assert 'list="learned-models"' in field.split(">")[0]


def test_a_checkpoint_is_not_named_by_its_path(team: Team, teacher: Run, tmp_path: Path) -> None:
    """It might be another team's; nor by a link or a way around, and nowhere in the document."""
    there = checkpoint_directory(teacher.pk) / "step-000020"
    (tmp_path / "mine").symlink_to(there)
    for name in (str(there), f"{tmp_path}/x/../checkpoints/{teacher.pk}/{there.name}", str(tmp_path / "mine")):
        spec = replace(guided(CATALOGUE), model=Model(name), companions=(Companion("guide", Model(name)),))
        found = refused(spec, team)
        for path in ("model.name", "companions.0.model.name"):
            assert found[path].endswith("lies among the checkpoints of runs, which are named as run:<number>")
