"""The microscope on the page of an algorithm: what is asked of the worker, what is shown, and rights."""

from __future__ import annotations

import html
import json
import time
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.runs import files, launch
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import algorithms
from tests.labapp.runs.browser_form import Form
from tests.labapp.workshop.conftest import QuickWorker
from tests.labapp.workshop.looking import LOOK, NEW, stored
from workers.contract.spec import to_dict
from workers.door.look import look_at


@pytest.fixture
def worker(quick_worker: QuickWorker) -> Any:
    """See `quick_worker`."""
    return quick_worker(look_at)


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """A guided run of Alice's with two stored steps."""
    return stored(launch.create(team, alice, to_dict(guided(shelf.catalogue())), "E"), 1, 3)


def fields(client: Client, address: str = NEW) -> dict[str, str]:
    """The fields of the page's form."""
    return Form(client.get(address).content.decode()).data


def answer(client: Client, data: dict[str, Any]) -> str:
    """The final answer to a look."""
    response = client.post(LOOK, data)
    assert response.status_code == 200, response.content
    page = response.content.decode()
    return page if "hx-get" not in page else client.get(page.split('hx-get="')[1].split('"')[0]).content.decode()


def told(page: str) -> dict[str, Any]:
    """What the page's script is given."""
    assert 'id="sight-data"' in page, page
    found: dict[str, Any] = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    return found


def look(client: Client, run: Run, beside: str = "run", step: int = 3, **more: str) -> dict[str, Any]:
    """What is seen with the parts of a new algorithm."""
    return told(answer(client, fields(client) | {"run": str(run.pk), "step": str(step), "beside": beside} | more))


def test_it_works(bob_client: Client, run: Run, worker: Any) -> None:
    seen = look(bob_client, run)
    assert worker.sent[0][:2] == ("merit.microscope", "quick")
    assert worker.sent[0][2][:2] == [f"runs/{run.pk}/rollouts/step-000003.parquet", 3]
    assert seen["names"] == ["this recipe", "the run's own"]
    assert (seen["run_name"], seen["step"], seen["address"]) == ("guided-run", 3, f"/runs/{run.pk}/")
    first, other = seen["result"]["recipes"]
    assert first["weight"] == other["weight"], "the new algorithm begins with the guided run's parts"
    assert {value for row in seen["result"]["difference"] for value in row} == {0.0}
    assert sorted(row["index"] for row in seen["result"]["rows"]) == [0, 1, 2, 3]
    assert first["sums"]["up"] > 0 > first["sums"]["down"]


def test_the_parts_are_those_of_the_form_unsaved(alice_client: Client, run: Run, worker: Any) -> None:
    """Without regularisers and with leave-one-out credit the first group is pushed by one, as by hand."""
    data = {name: text for name, text in fields(alice_client).items() if not name.startswith("regularisers.")}
    data |= {"credit.name": "rloo", "objective.name": "policy_gradient", "run": str(run.pk), "step": "3"}
    seen = told(answer(alice_client, data | {"beside": "none"}))
    by_index = {row["index"]: weight for row, weight in
                zip(seen["result"]["rows"], seen["result"]["recipes"][0]["weight"], strict=True)}  # fmt: skip
    assert by_index == {0: [1.0, 1.0], 1: [-1.0], 2: [0.0] * 3, 3: [0.0] * 2}
    assert seen["result"]["difference"] is None


def test_weights_may_have_the_same_mean(alice_client: Client, run: Run, worker: Any) -> None:
    seen = look(alice_client, run, "ready:dr_grpo", scale="even")
    assert seen["even"]
    for one in seen["result"]["recipes"]:
        assert one["sums"]["up"] - one["sums"]["down"] == pytest.approx(8)
    assert '<option value="even" selected>' in alice_client.get(f"{NEW}?scale=even").content.decode()


def test_beside_it_stand_recipes_and_saved_versions(
    alice_client: Client, alice: User, team: Team, run: Run, worker: Any
) -> None:
    saved = algorithms.create(team, alice, "Mine", algorithms.document_of(guided(shelf.catalogue())))
    assert look(alice_client, run, "ready:dr_grpo")["names"][1] == "Dr. GRPO"
    assert look(alice_client, run, saved.reference)["names"][1] == "Mine, version 1"
    page = alice_client.get(f"/workshop/algorithms/{saved.algorithm_id}/").content.decode()
    assert f'<option value="{saved.reference}">version 1</option>' in page
    seen = look(alice_client, run, "ready:ppo")
    assert "a critic's values, and this batch was stored without them" in seen["result"]["recipes"][1]["error"]
    assert seen["result"]["recipes"][0]["error"] == ""


def test_a_method_that_changed_since_is_told(
    alice_client: Client, alice: User, team: Team, run: Run, worker: Any
) -> None:
    document = algorithms.document_of(guided(shelf.catalogue()))
    document["credit"] |= {"digest": "another"}
    saved = algorithms.create(team, alice, "Old", document)
    seen = look(alice_client, run, saved.reference)
    assert seen["notes"] == [[], ["credit/grpo has changed since this was saved; here it is as it is now."]]
    assert seen["result"]["recipes"][1]["error"] == ""


def test_what_the_checks_refuse_is_not_looked_at(alice_client: Client, run: Run, worker: Any) -> None:
    data = fields(alice_client) | {"run": str(run.pk), "step": "3"}
    page = html.unescape(answer(alice_client, data | {"credit.name": "gae"}))
    assert "The checks name something to mend first: " in page
    assert "needs a critic" in page
    assert "eps_low" in answer(alice_client, data | {"objective.params.eps_low": "7"})
    assert worker.sent == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"step": "2"}, "has no completions of step 2"), ({"step": ""}, "Choose a step"), ({"step": "x"}, "Choose a step"),
     ({"step": "3", "beside": "99@1"}, "Choose a recipe to compare with"),
     ({"step": "3", "beside": "ready:none"}, "Choose a recipe to compare with")],
)  # fmt: skip
def test_what_is_not_there_is_said(
    alice_client: Client, run: Run, worker: Any, asked: dict[str, str], said: str
) -> None:
    assert said in answer(alice_client, fields(alice_client) | {"run": str(run.pk)} | asked)
    assert worker.sent == []


def test_a_file_that_is_gone_is_said(alice_client: Client, run: Run, worker: Any) -> None:
    files.remove(run.pk)
    page = answer(alice_client, fields(alice_client) | {"run": str(run.pk), "step": "3"})
    assert "is gone from storage" in page


def test_an_analysis_lends_its_completions_and_has_no_recipe(
    alice_client: Client, alice: User, team: Team, worker: Any
) -> None:
    spec = {"name": "scores", "path": "", "dataset": "1@1", "rewards": [{"label": "correct", "name": "exact_answer"}]}
    run = stored(launch.create(team, alice, spec, "E", kind=Run.ANALYSIS), 0)
    assert look(alice_client, run, "ready:grpo", step=0)["result"]["recipes"][0]["error"] == ""
    page = answer(alice_client, fields(alice_client) | {"run": str(run.pk), "step": "0", "beside": "run"})
    assert "which has no recipe" in page


def test_everyone_of_the_team_looks_and_nobody_else(
    alice_client: Client, bob_client: Client, vera_client: Client, charlie_client: Client, client: Client,
    alice: User, team: Team, run: Run, worker: Any,
) -> None:  # fmt: skip
    saved = algorithms.create(team, alice, "Mine", algorithms.document_of(guided(shelf.catalogue())))
    data = fields(alice_client) | {"run": str(run.pk), "step": "3"}
    for insider in (alice_client, bob_client):
        assert told(answer(insider, data))["names"][0] == "this recipe"
    # A viewer's form sends nothing: she looks at the version that the page shows.
    asked = {"run": str(run.pk), "step": "3", "beside": "run", "shown": saved.reference}
    assert told(answer(vera_client, asked))["result"]["recipes"][0]["error"] == ""
    address = alice_client.post(LOOK, data).content.decode().split('hx-get="')[1].split('"')[0]
    before = len(worker.sent)
    for outsider in (charlie_client.post(LOOK, data), charlie_client.post(LOOK, asked), charlie_client.get(address),
                     charlie_client.get(f"{LOOK}steps/?run={run.pk}")):  # fmt: skip
        assert outsider.status_code == 404
    assert charlie_client.post(LOOK, data | {"run": "nonsense"}).status_code == 404
    assert str(run.pk) not in charlie_client.get(NEW).content.decode()
    assert client.post(LOOK, data).status_code == 302
    assert alice_client.get(LOOK).status_code == 405
    assert len(worker.sent) == before


def test_another_teams_algorithm_is_no_choice(
    charlie_client: Client, charlie: User, alice: User, team: Team, worker: Any
) -> None:
    saved = algorithms.create(team, alice, "Mine", algorithms.document_of(guided(shelf.catalogue())))
    theirs = Team.objects.get(slug="elsewhere")
    run = stored(launch.create(theirs, charlie, to_dict(guided(shelf.catalogue())), "E"), 3)
    data = {"run": str(run.pk), "step": "3", "beside": "none", "shown": saved.reference}
    assert "no such version" in answer(charlie_client, data)
    assert "Choose a recipe" in answer(charlie_client, fields(charlie_client) | data | {"beside": saved.reference})


def test_a_deleted_run_is_not_looked_at(alice_client: Client, run: Run, worker: Any) -> None:
    data = fields(alice_client) | {"run": str(run.pk), "step": "3"}
    launch.delete(run)
    assert alice_client.post(LOOK, data).status_code == 404


def test_a_queue_that_is_away_is_said(alice_client: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    data = fields(alice_client) | {"run": str(run.pk), "step": "3"}
    assert "The queue cannot be reached" in answer(alice_client, data)


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [("PENDING", 0.0, "A worker looks"), ("PENDING", 31.0, "No worker answered"), ("FAILURE", 0.0, "could not look")],
)
def test_a_look_that_is_not_there_yet(
    alice_client: Client, run: Run, worker: Any, monkeypatch: pytest.MonkeyPatch, state: str, since: float, said: str
) -> None:
    monkeypatch.setattr(app, "AsyncResult", lambda number: SimpleNamespace(state=state, result="boom"))
    later = time.time() + since
    page = alice_client.post(LOOK, fields(alice_client) | {"run": str(run.pk), "step": "3"}).content.decode()
    monkeypatch.setattr("labapp.workshop.microscope.time.time", lambda: later)
    assert said in alice_client.get(page.split('hx-get="')[1].split('"')[0]).content.decode()
    assert alice_client.get(f"{LOOK}{uuid4()}/").status_code == 404
