"""The REST API: every operation with every role, one shape for refusals, tokens, and what each operation does."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Membership, Team, User
from labapp.accounts.tokens import api_secret
from labapp.runs import launch
from labapp.runs.models import Run
from tests.labapp.api.calls import call, error, operations


def test_it_works(alice_client: Client, run: Run) -> None:
    body = alice_client.get("/api/v1/runs").json()
    assert body["total"] == 1
    assert body["runs"][0]["id"] == str(run.id)
    assert body["runs"][0]["experiment"] == "Sums"


def test_there_are_operations_to_walk() -> None:
    assert len(operations()) >= 15


@pytest.mark.parametrize(("verb", "path"), operations())
def test_nobody_comes_in_without_a_name(client: Client, run: Run, verb: str, path: str) -> None:
    response = call(client, verb, path, run)
    assert response.status_code == 401
    assert "API token" in error(response)["mend"]
    wrong = call(client, verb, path, run, headers={"authorization": "Bearer merit_no"})
    assert wrong.status_code == 401


@pytest.mark.parametrize(("verb", "path"), operations())
def test_an_outsider_finds_nothing(charlie_client: Client, run: Run, verb: str, path: str) -> None:
    response = call(charlie_client, verb, path, run)
    if "{run_id}" in path or "{reference}" in path:
        assert response.status_code == 404
        error(response)
    else:
        assert response.status_code in (200, 201)
        assert str(run.id) not in response.content.decode()
        assert Run.objects.filter(team=run.team).count() == 1


@pytest.mark.parametrize(("verb", "path"), operations())
def test_a_viewer_changes_nothing(vera_client: Client, run: Run, verb: str, path: str) -> None:
    before = list(Run.objects.values())
    response = call(vera_client, verb, path, run)
    assert response.status_code == (200 if verb == "GET" else 403)
    if verb != "GET":
        assert error(response)["where"] == "rights"
    assert list(Run.objects.values()) == before


@pytest.mark.parametrize("who", ["alice_client", "bob_client"])
@pytest.mark.parametrize(("verb", "path"), operations())
def test_owner_and_member_may_do_it(request: pytest.FixtureRequest, run: Run, verb: str, path: str, who: str) -> None:
    if path.endswith("/undelete"):
        launch.delete(run)
    if path.endswith("/stop"):
        launch.enqueue(run)
    response = call(request.getfixturevalue(who), verb, path, run)
    assert response.status_code in (200, 201), response.content


def test_a_token_acts_as_its_user_in_its_team(client: Client, alice: User, team: Team, run: Run) -> None:
    _, secret = api_secret(alice, team, "script")
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/runs", headers=headers).json()["total"] == 1
    made = client.post("/api/v1/runs", {"spec": run.spec}, content_type="application/json", headers=headers)
    assert made.json()["owner"] == str(alice)


def test_a_token_belongs_to_one_of_its_users_teams(client: Client, alice: User, run: Run) -> None:
    other = Team.objects.create(name="Second", slug="second")
    Membership.objects.create(user=alice, team=other, role="viewer")
    _, secret = api_secret(alice, other, "script")
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/runs", headers=headers).json()["total"] == 0
    assert client.get(f"/api/v1/runs/{run.id}", headers=headers).status_code == 404
    refused = client.post("/api/v1/runs", {"spec": run.spec}, content_type="application/json", headers=headers)
    assert refused.status_code == 403  # an owner there, a viewer here


def test_a_token_counts_more_than_the_browser(charlie_client: Client, alice: User, team: Team, run: Run) -> None:
    _, secret = api_secret(alice, team, "script")
    body = charlie_client.get("/api/v1/runs", headers={"authorization": f"Bearer {secret}"}).json()
    assert [one["id"] for one in body["runs"]] == [str(run.id)]
    assert charlie_client.get("/api/v1/runs", headers={"authorization": "Bearer merit_x"}).status_code == 401


def test_a_browser_needs_its_csrf_token_to_change(alice: User, run: Run) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = strict.post(f"/api/v1/runs/{run.id}/resume")
    assert response.status_code == 403
    error(response)
    assert Run.objects.get().state == "draft"


def test_a_run_is_made_from_its_document(alice_client: Client, document: dict[str, Any], alice: User) -> None:
    body = {"spec": document, "experiment": "Scripts"}
    response = alice_client.post("/api/v1/runs", body, content_type="application/json")
    assert response.status_code == 201
    run = Run.objects.get(id=response.json()["id"])
    assert (run.state, run.experiment.name, run.owner) == ("queued", "Scripts", alice)
    draft = alice_client.post("/api/v1/runs", body | {"launch": False}, content_type="application/json")
    assert draft.json()["state"] == "draft"


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"siblings": 0}, "spec.siblings", "at least 1"),
        ({"siblings": "many"}, "spec.siblings", "int is needed"),
        ({"huh": 1}, "spec.huh", "unknown field"),
        ({"credit": {"kind": "credit", "name": "nothing"}}, "spec.credit.name", "no credit method"),
        ({"prompts": {"dataset": "7@1"}}, "spec.prompts.dataset", "no data set"),
        ({"max_new_tokens": 500}, "spec.max_new_tokens", "positions"),
        ({"version": 99}, "spec.version", "version 1"),
    ],
)
def test_a_bad_document_is_refused_before_anything_is_queued(
    alice_client: Client, document: dict[str, Any], change: dict[str, Any], where: str, words: str
) -> None:
    response = alice_client.post("/api/v1/runs", {"spec": document | change}, content_type="application/json")
    assert response.status_code == 422
    said = error(response)
    assert said["where"] == where
    assert words in said["what"]
    assert not Run.objects.exists()


def test_a_refusal_offers_the_fix(alice_client: Client, document: dict[str, Any]) -> None:
    response = alice_client.post(
        "/api/v1/runs", {"spec": document | {"max_new_tokens": 500}}, content_type="application/json"
    )
    assert error(response)["mend"] == "set max_new_tokens to 95"
    assert error(response)["troubles"][0]["fix"] == {"max_new_tokens": 95}


@pytest.mark.parametrize("body", ["", "{", "[]", '{"spec": []}', "{}"])
def test_a_body_that_is_none_is_refused_in_the_one_shape(alice_client: Client, body: str) -> None:
    response = alice_client.post("/api/v1/runs", body, content_type="application/json")
    assert response.status_code in (400, 422)
    error(response)


def test_a_worker_with_other_files_stops_the_launch(alice_client: Client, document: dict[str, Any]) -> None:
    cache.set(shelf.WORKER_DIGEST, "0123456789ab")
    try:
        response = alice_client.post("/api/v1/runs", {"spec": document}, content_type="application/json")
    finally:
        cache.delete(shelf.WORKER_DIGEST)
    assert response.status_code == 409
    assert error(response)["where"] == "worker"
    assert not Run.objects.exists()


def test_moves_that_the_state_forbids_are_refused(alice_client: Client, run: Run) -> None:
    response = alice_client.post(f"/api/v1/runs/{run.id}/stop")
    assert response.status_code == 409
    assert "cannot be stopped" in error(response)["what"]


def test_a_run_goes_and_comes_back(alice_client: Client, run: Run) -> None:
    assert alice_client.delete(f"/api/v1/runs/{run.id}").json()["deleted"]
    assert alice_client.get("/api/v1/runs").json()["total"] == 0
    assert alice_client.get("/api/v1/runs?deleted=true").json()["total"] == 1
    assert alice_client.post(f"/api/v1/runs/{run.id}/undelete").json()["deleted"] is None


def test_a_clone_differs_where_it_was_told_to(alice_client: Client, run: Run) -> None:
    changes = {"name": "seeded", "seed": 5, "rewards.1.weight": 0.5, "regularisers.0.params.coef": 0.5}
    response = alice_client.post(
        f"/api/v1/runs/{run.id}/clone", {"changes": changes, "launch": False}, content_type="application/json"
    )
    assert response.status_code == 201, response.content
    made = Run.objects.get(id=response.json()["id"])
    assert made.parent == run
    assert made.spec["seed"] == 5
    assert made.spec["rewards"][1]["weight"] == 0.5
    assert made.spec["regularisers"][0]["params"] == {"coef": 0.5}
    assert run.spec["seed"] == 0
    assert made.name == "seeded"


@pytest.mark.parametrize("path", ["huh.x", "rewards.9.weight", "rewards.x.weight", "name.x"])
def test_a_clone_cannot_change_what_is_not_there(alice_client: Client, run: Run, path: str) -> None:
    response = alice_client.post(
        f"/api/v1/runs/{run.id}/clone", {"changes": {path: 1}}, content_type="application/json"
    )
    assert response.status_code == 422
    assert error(response)["where"] == f"changes.{path}"


def test_the_page_describes_every_operation(alice_client: Client) -> None:
    page = alice_client.get("/api/v1/docs")
    assert page.status_code == 200
    for _, path in operations():
        assert path in page.content.decode()
    assert "https://" not in page.content.decode()


def test_the_page_is_for_people_with_an_account(client: Client, db: None) -> None:
    assert client.get("/api/v1/docs").status_code == 302


def test_the_openapi_document_says_how_to_come_in(alice_client: Client) -> None:
    body = alice_client.get("/api/v1/openapi.json").json()
    assert {one["type"] for one in body["components"]["securitySchemes"].values()} == {"http", "apiKey"}
