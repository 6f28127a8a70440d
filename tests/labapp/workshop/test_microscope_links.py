"""Links to the microscope, and the panel's choice of runs and steps."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import algorithms, microscope
from tests.labapp.observatory.stored import add_rollouts
from tests.labapp.workshop.looking import LOOK, NEW, stored
from workers.contract.spec import to_dict


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """A guided run of Alice's with two stored steps."""
    return stored(launch.create(team, alice, to_dict(guided(shelf.catalogue())), "E"), 1, 3)


def test_the_panel_chooses_runs_and_steps(alice_client: Client, team: Team, alice: User, run: Run) -> None:
    page = alice_client.get(NEW).content.decode()
    assert f'<option value="{run.pk}" selected>guided-run' in page
    assert '<option value="3">step 3, newest</option><option value="1">step 1</option>' in page
    other = stored(launch.create(team, alice, run.spec, "E"), 5)
    page = alice_client.get(f"{NEW}?run={run.pk}&step=1&beside=ready:dapo").content.decode()
    assert f'<option value="{run.pk}" selected>' in page
    assert '<option value="1" selected>step 1</option>' in page
    assert 'data-chosen="ready:dapo"' in page
    assert "step 5, newest" in alice_client.get(f"{LOOK}steps/?run={other.pk}").content.decode()


def asks(page: str) -> bool:
    """Whether the page looks by itself."""
    return "data-asked" in page.split('<form id="microscope"')[1].split(">")[0]


def test_a_link_is_shown_although_the_lists_leave_it_out(
    alice_client: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rollouts(run, [{}], 2)
    monkeypatch.setattr("labapp.workshop.samples.runs", lambda team: [])
    monkeypatch.setattr(microscope, "LISTED", 2)
    page = alice_client.get(f"{NEW}?run={run.pk}&step=2").content.decode()
    assert f'<option value="{run.pk}" selected>' in page
    steps = page.split('id="look-step"')[1].split("</select>")[0]
    assert [part.split('"')[0] for part in steps.split('value="')[1:]] == ["3", "2", "1"]
    assert '<option value="2" selected>' in steps
    assert asks(page)


def test_a_recipe_that_the_list_leaves_out_brings_its_name(
    alice_client: Client, alice: User, team: Team, run: Run
) -> None:
    saved = algorithms.create(team, alice, "Mine", algorithms.document_of(guided(shelf.catalogue())))
    page = alice_client.get(f"{NEW}?run={run.pk}&step=3&beside={saved.reference}").content.decode()
    assert f'data-chosen="{saved.reference}" data-title="Mine, version 1"' in page
    assert asks(page)


@pytest.mark.parametrize(
    ("query", "said"),
    [("run={run}&step=2", "guided-run has no completions of step 2."), ("run={run}&step=x", "of step x."),
     ("run={bare}", "bare has no stored completions."), ("run={gone}&step=3", "This team has no such run"),
     ("run={theirs}&step=3", "This team has no such run"), ("run=%00", "This team has no such run"),
     ("run={run}&beside=99@1", "The recipe to compare with is not there"),
     ("run={run}&beside=ready:none", "The recipe to compare with is not there")],
)  # fmt: skip
def test_a_link_to_what_is_not_there_says_so_and_does_not_look(
    alice_client: Client, alice: User, charlie: User, team: Team, run: Run, query: str, said: str
) -> None:
    def other(name: str, team: Team, user: User, *steps: int) -> Run:
        return stored(launch.create(team, user, {**run.spec, "name": name}, "E"), *steps)

    bare, gone = other("bare", team, alice), other("gone", team, alice, 3)
    theirs = other("theirs", Team.objects.get(slug="elsewhere"), charlie, 3)
    launch.delete(gone)
    address = query.format(run=run.pk, bare=bare.pk, gone=gone.pk, theirs=theirs.pk)
    response = alice_client.get(f"{NEW}?{address}")
    assert response.status_code == 200
    page = html.unescape(response.content.decode())
    assert said in page
    assert not asks(page)
    assert f'<option value="{run.pk}" selected>' in page, "there is still something to choose"


def test_without_a_link_the_page_does_not_look(alice_client: Client, run: Run) -> None:
    page = alice_client.get(NEW).content.decode()
    assert not asks(page)
    assert "What this link shows" not in page
    assert asks(alice_client.get(f"{NEW}?run={run.pk}").content.decode())


def test_a_long_run_has_a_list_of_steps_that_one_can_read(team: Team, alice: User, run: Run) -> None:
    Rollout.objects.filter(run=run).delete()
    for step in range(1, 502):
        add_rollouts(run, [{}], step)
    found = microscope.steps(run)
    assert found[:2] == [501, 498]
    assert len(found) <= microscope.LISTED


def test_without_completions_the_panel_says_what_to_do(alice_client: Client) -> None:
    page = alice_client.get(NEW).content.decode()
    assert "No run of the team has stored completions yet" in page
    assert 'id="microscope"' not in page
