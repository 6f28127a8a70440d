"""Whose model a run takes is linked both ways, and what another run takes is not deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from labapp import shelf
from labapp.runs import launch, sweep
from labapp.runs.checkpoints import taken_directory
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import algorithms, rewards
from tests.labapp.runs.checkpointed import checkpointed
from workers.contract.rewardnode import Node
from workers.contract.spec import Companion, Model, RewardPick, to_dict

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User

CATALOGUE = shelf.catalogue()


def taker(team: Team, source: Run, name: str = "pupil") -> Run:
    spec = replace(guided(CATALOGUE), name=name, model=Model(f"run:{source.pk}"))
    return launch.create(team, None, to_dict(spec), "Lessons")


def config(client: Client, run: Run) -> str:
    return " ".join(client.get(f"/runs/{run.pk}/?tab=config").content.decode().split())


def test_it_works(alice_client: Client, team: Team, teacher: Run) -> None:
    pupil = taker(team, teacher)
    link = f'<a href="/runs/{teacher.pk}/">teacher</a>'
    assert f"From {link}, its newest checkpoint: the model that it began with." in config(alice_client, pupil)
    (taken_directory(pupil.pk, teacher.pk) / "step-000020").mkdir(parents=True)
    assert f"From {link}, step 20: the model that it began with." in config(alice_client, pupil)
    assert f'is taken by <a href="/runs/{pupil.pk}/">pupil</a>.' in config(alice_client, teacher)
    assert f"what {link} learned · arithmetic" in config(alice_client, pupil)
    assert "Models of runs" not in config(alice_client, checkpointed(team, "alone"))


def test_what_each_model_is_for_is_said(alice_client: Client, team: Team, teacher: Run) -> None:
    name = f"run:{teacher.pk}"
    spec = replace(
        guided(CATALOGUE),
        rewards=(RewardPick("kind", "flr", {"name": name}),),
        companions=(Companion("guide", Model(name)),),
    )
    shown = config(alice_client, launch.create(team, None, to_dict(spec), "Lessons"))
    assert ": the guide." in shown
    assert ": the reward kind." in shown
    document = {"name": "scores", "rewards": [], "tokenizer": name}
    analysis = launch.create(team, None, document, "Lessons", kind=Run.ANALYSIS)
    assert ": the tokenizer." in config(alice_client, analysis)


def test_a_run_is_not_deleted_while_another_takes_its_model(
    alice_client: Client, team: Team, teacher: Run, sent: list[Any]
) -> None:
    pupil = taker(team, teacher)
    refusal = "teacher is used by pupil, which could not be repeated without it."
    with pytest.raises(launch.Refused, match=refusal):
        launch.delete(teacher)
    assert refusal in alice_client.post(f"/runs/{teacher.pk}/delete/", follow=True).content.decode()
    answer = alice_client.delete(f"/api/v1/runs/{teacher.pk}")
    assert (answer.status_code, refusal in answer.content.decode()) == (409, True)
    launch.delete(pupil)
    launch.delete(teacher)


def test_saved_rewards_and_algorithms_protect_it_too(team: Team, alice: User, teacher: Run) -> None:
    name = f"run:{teacher.pk}"
    leaf = Node("rewards", "flr", {"name": name})
    rewards.create(team, alice, "praised", Node("combining", "clip", {"low": 0.0, "high": 1.0}, of=(leaf,)))
    guide = replace(guided(CATALOGUE), companions=(Companion("guide", Model(name)),))
    algorithms.create(team, alice, "Guided", algorithms.document_of(guide))
    with pytest.raises(launch.Refused, match="the reward praised, version 1, the algorithm Guided, version 1"):
        launch.delete(teacher)


def test_another_teams_document_protects_nothing(team: Team, charlie: User, teacher: Run) -> None:
    taker(charlie.memberships.get().team, teacher)
    launch.delete(teacher)


def test_nothing_is_removed_for_good_while_a_run_that_takes_it_can_be_brought_back(team: Team, teacher: Run) -> None:
    """The pupil is brought back after the teacher was deleted: the teacher's files stay."""
    pupil = taker(team, teacher)
    launch.delete(pupil)
    launch.delete(teacher)
    launch.undelete(pupil)
    long_ago = timezone.now() - launch.UNDO - timedelta(minutes=1)
    Run.objects.filter(pk=teacher.pk).update(deleted=long_ago)
    assert sweep.purge() == 0
    Run.objects.filter(pk=pupil.pk).update(deleted=long_ago)
    assert sweep.purge() == 2
