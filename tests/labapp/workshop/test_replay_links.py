"""From the page of a reward to its replay on a finished run."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import rewards
from tests.labapp.workshop.conftest import QuickWorker
from tests.labapp.workshop.test_replays import stored
from workers.contract.rewardnode import Node
from workers.contract.spec import to_dict
from workers.door.again import replay_stored

LENGTH = "def reward(completions):\n    return [float(len(text)) for text in completions]\n"


def made(team: Team, owner: User, name: str, state: str) -> Run:
    run = stored(launch.create(team, owner, to_dict(replace(guided(shelf.catalogue()), name=name)), "E"), 1)
    Run.objects.filter(pk=run.pk).update(state=state)
    return run


def links(client: Client, address: str) -> list[str]:
    """Where the page of a reward offers to replay it."""
    page = client.get(address).content.decode()
    menu = page.split('class="menu replays"')[1].split("</details>")[0]
    return [html.unescape(part.split('"')[0]) for part in menu.split('href="')[1:]]


@pytest.mark.parametrize("sort", ["python", "parts"])
def test_a_reward_is_replayed_from_its_page(
    vera_client: Client, team: Team, alice: User, charlie: User, quick_worker: QuickWorker, sort: str
) -> None:
    worker: Any = quick_worker(replay_stored)
    done, failed = made(team, alice, "done", "done"), made(team, alice, "failed", "failed")
    for state in ("queued", "running", "stopping"):
        made(team, alice, state, state)
    launch.create(team, alice, {"name": "nothing stored"}, "E")
    made(charlie.memberships.get().team, charlie, "another team's", "done")
    version = rewards.create(team, alice, "mine", LENGTH)
    if sort == "parts":
        tree = Node("combining", "sum", of=(Node("rewards", version.reference),))
        version = rewards.create(team, alice, "tree", tree)
    found = links(vera_client, f"/workshop/rewards/{version.reward_id}/")
    assert found == [f"/runs/{run.pk}/?tab=replay&with={version.reference}" for run in (failed, done)]
    page = vera_client.get(found[1]).content.decode()
    assert f'<option value="{version.reference}" selected>' in page
    assert f'hx-post="/runs/{done.pk}/replay/"' in page, "it is asked at once"
    assert "hx-get" in vera_client.post(f"/runs/{done.pk}/replay/", {"with": version.reference}).content.decode()
    assert worker.sent[-1][2][1]["name"].startswith("mine" if sort == "python" else "tree")


def test_an_older_version_is_replayed_as_it_was(alice_client: Client, team: Team, alice: User) -> None:
    run = made(team, alice, "done", "done")
    first = rewards.create(team, alice, "mine", LENGTH)
    rewards.save(first.reward, alice, LENGTH + "# longer\n")
    address = f"/workshop/rewards/{first.reward_id}/"
    assert links(alice_client, address) == [f"/runs/{run.pk}/?tab=replay&with=code:{first.reward_id}@2"]
    assert links(alice_client, f"{address}?version=1") == [f"/runs/{run.pk}/?tab=replay&with={first.reference}"]


def test_without_a_finished_run_that_is_said(alice_client: Client, team: Team, alice: User) -> None:
    version = rewards.create(team, alice, "mine", LENGTH)
    page = alice_client.get(f"/workshop/rewards/{version.reward_id}/").content.decode()
    assert "No run has ended with stored completions yet" in page
    assert "menu replays" not in alice_client.get("/workshop/rewards/new/").content.decode()
