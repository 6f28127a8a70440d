"""Every address of runs and observatory with an owner, a member, a viewer, an outsider and a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.labapp.observatory.stored import add_rollouts, make_run, save_file

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run

READ = {
    "runs:detail": "", "runs:file": "files/step-000001.parquet", "observatory:rollouts": "rollouts/",
    "observatory:rollouts_csv": "rollouts.csv", "observatory:strip": "rollouts/1/0/", "observatory:tree": "tree/",
    "observatory:front": "front/", "observatory:curves": "curves/", "observatory:metrics_csv": "metrics.csv",
}  # fmt: skip
CHANGE = {f"runs:{what}": f"{what}/" for what in ("stop", "resume", "delete", "undelete")}
OF_A_TEAM = {"runs:list", "runs:new", "runs:compare"}  # these show what is the caller's own
REPLAY = {"observatory:replay", "observatory:replayed"}  # asked of a worker


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """Alice's run, with one stored completion."""
    made = make_run(team, alice)
    (row,) = add_rollouts(made, [{}])
    save_file(row.file, [["a"]])
    return made


def test_every_address_is_tried_here() -> None:
    names = {
        f"{space}:{name}"
        for space in ("runs", "observatory")
        for name in get_resolver().namespace_dict[space][1].reverse_dict
        if isinstance(name, str)
    }
    assert names == {*READ, *CHANGE, *OF_A_TEAM, *REPLAY}


@pytest.mark.parametrize("path", READ.values())
def test_the_team_looks_and_nobody_else(
    run: Run, alice_client: Client, bob_client: Client, vera_client: Client, charlie_client: Client, path: str
) -> None:
    address = f"/runs/{run.pk}/{path}"
    for insider in (alice_client, bob_client, vera_client):
        assert insider.get(address).status_code == 200
        assert insider.post(address).status_code == 405, "looking changes nothing"
    assert charlie_client.get(address).status_code == 404, "another team's run does not show that it exists"
    stranger = Client().get(address)
    assert stranger.status_code == 302
    assert "/accounts/login/" in stranger["Location"]


@pytest.mark.parametrize("path", CHANGE.values())
def test_members_change_viewers_do_not(
    run: Run, alice_client: Client, bob_client: Client, vera_client: Client, charlie_client: Client, path: str
) -> None:
    address = f"/runs/{run.pk}/{path}"
    assert alice_client.post(address).status_code == 302
    assert bob_client.post(address).status_code == 302
    assert bob_client.get(address).status_code == 405
    assert vera_client.post(address).status_code == 403
    assert charlie_client.post(address).status_code == 404
    assert Client().post(address).status_code == 302


def test_replays_are_the_teams_own(run: Run, vera_client: Client, charlie_client: Client) -> None:
    address, task = f"/runs/{run.pk}/replay/", uuid4()
    assert charlie_client.post(address, {"with": "method:brevity"}).status_code == 404
    assert charlie_client.get(f"{address}{task}/").status_code == 404
    assert vera_client.get(f"{address}{task}/").status_code == 404, "nobody asked this question"
    assert vera_client.get(address).status_code == 405
    for stranger in (Client().post(address), Client().get(f"{address}{task}/")):
        assert "/accounts/login/" in stranger["Location"]


def test_lists_and_comparisons_hold_the_teams_own(run: Run, alice_client: Client, charlie_client: Client) -> None:
    mine, theirs = (who.get("/runs/").content.decode() for who in (alice_client, charlie_client))
    assert "a run" in mine
    assert "a run" not in theirs
    address = f"/runs/compare/?run={run.pk}&run={run.pk}"
    assert alice_client.get(address).context["runs"] == [run]
    assert charlie_client.get(address).context["runs"] == []
