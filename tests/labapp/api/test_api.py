"""The REST API: every operation with every role, one shape for refusals, tokens, and what each operation does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from labapp import shelf
from labapp.accounts.models import Membership, Team, User
from labapp.accounts.tokens import api_secret
from labapp.api.urls import api
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.runs.guided import guided
from labapp.runs.models import MetricLatest, MetricPoint, Run
from labapp.workshop.models import DataSet, DataVersion, Reward, RewardVersion
from tests.labapp.runs.test_prechecks import model_in
from workers.contract.spec import RunSpec, to_dict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def document(tmp_path: Any) -> dict[str, Any]:
    """The guided run's document on a small model that lies on this machine."""
    spec: RunSpec = guided(shelf.catalogue())
    return to_dict(spec) | {"model": {"name": str(model_in(tmp_path / "model")), "revision": "", "chat": False}}


@pytest.fixture
def run(team: Team, alice: User, document: dict[str, Any]) -> Run:
    """A draft of the team."""
    return launch.create(team, alice, document, "Sums")


def operations() -> list[tuple[str, str]]:
    """Every method and path of the API, from its own OpenAPI document."""
    found = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return [(verb.upper(), path) for path, verbs in found.items() for verb in verbs]


def call(client: Client, verb: str, path: str, run: Run, **extra: Any) -> Any:
    address = path.replace("{run_id}", str(run.id)).replace("{kind}", "credit").replace("{name}", "grpo")
    body = {"spec": run.spec} if path.endswith("/runs") else {}
    if verb == "GET":
        return client.get(address, **extra)
    return client.generic(verb, address, json.dumps(body), content_type="application/json", **extra)


def error(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert {"where", "what", "mend"} <= set(body["error"])
    assert body["error"]["where"]
    assert body["error"]["what"]
    return dict(body["error"])


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
    if "{run_id}" in path:
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
        ({"prompts": {"dataset": "7@1"}}, "spec.prompts.dataset", "no prompt set"),
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


def test_events_come_after_a_number(alice_client: Client, run: Run) -> None:
    launch.enqueue(run)
    first = alice_client.get(f"/api/v1/runs/{run.id}/events?limit=1").json()
    assert [one["data"]["state"] for one in first["events"]] == ["draft"]
    rest = alice_client.get(f"/api/v1/runs/{run.id}/events?after={first['last_seq']}").json()
    assert [one["data"]["state"] for one in rest["events"]] == ["queued"]
    none = alice_client.get(f"/api/v1/runs/{run.id}/events?after={rest['last_seq']}").json()
    assert none == {"last_seq": rest["last_seq"], "events": []}


def curve(run: Run, name: str, value: Callable[[int], float], steps: int = 1000) -> None:
    MetricPoint.objects.bulk_create(
        MetricPoint(run=run, name=name, step=step, value=value(step), at=NOW) for step in range(1, steps + 1)
    )


def test_curves_are_thinned_on_the_server(
    alice_client: Client, run: Run, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    curve(run, "loss", float)
    curve(run, "kl", lambda step: -1.0)
    with django_assert_max_num_queries(6):
        body = alice_client.get(f"/api/v1/runs/{run.id}/metrics?points=10&name=loss").json()["metrics"]
    assert list(body) == ["loss"]
    # A thousand steps in ten buckets of a hundred: 1..100 has the mean 50.5, the least 1, the greatest 100.
    assert body["loss"]["width"] == 100
    assert body["loss"]["step"] == list(range(100, 1001, 100))
    assert body["loss"]["mean"][0] == 50.5
    assert (body["loss"]["low"][0], body["loss"]["high"][0]) == (1.0, 100.0)


def test_few_points_come_as_they_are(alice_client: Client, run: Run) -> None:
    curve(run, "loss", lambda step: 0.5 * step, 3)
    body = alice_client.get(f"/api/v1/runs/{run.id}/metrics").json()["metrics"]
    assert body["loss"] == {
        "width": 1, "step": [1, 2, 3], "mean": [0.5, 1.0, 1.5], "low": [0.5, 1.0, 1.5], "high": [0.5, 1.0, 1.5],
    }  # fmt: skip


def test_numbers_that_json_does_not_have_are_gaps(alice_client: Client, run: Run) -> None:
    curve(run, "loss", lambda step: float("nan") if step == 2 else 1.0, 3)
    MetricLatest.objects.create(run=run, name="loss", step=3, value=float("inf"))
    assert alice_client.get(f"/api/v1/runs/{run.id}/metrics").json()["metrics"]["loss"]["mean"] == [1.0, None, 1.0]
    assert alice_client.get(f"/api/v1/runs/{run.id}").json()["latest"] == {"loss": None}


def test_rollouts_are_listed_by_step_and_group(alice_client: Client, run: Run) -> None:
    for step, index, group in ((1, 1, 0), (1, 0, 0), (2, 0, 1)):
        Rollout.objects.create(
            run=run, step=step, index=index, group=group, prompt_key="k", prompt="1+1=", completion="2", end="finished",
            length=1, rewards={"correct": 1.0}, total=1.0, file="f",
        )  # fmt: skip
    body = alice_client.get(f"/api/v1/runs/{run.id}/rollouts").json()
    assert [(one["step"], one["index"]) for one in body["rollouts"]] == [(1, 0), (1, 1), (2, 0)]
    assert alice_client.get(f"/api/v1/runs/{run.id}/rollouts?step=1&limit=1").json()["total"] == 2
    assert alice_client.get(f"/api/v1/runs/{run.id}/rollouts?group=1").json()["total"] == 1


def test_the_list_of_runs_asks_few_questions(
    alice_client: Client,
    team: Team,
    alice: User,
    document: dict[str, Any],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(2):
        launch.create(team, alice, document, "Sums")
    alice_client.get("/api/v1/runs")
    with django_assert_num_queries(4) as few:  # user, membership, rows, count
        alice_client.get("/api/v1/runs")
    for _ in range(5):
        launch.create(team, alice, document, "Sums")
    with django_assert_num_queries(len(few.captured_queries)):
        assert alice_client.get("/api/v1/runs").json()["total"] == 7


def test_methods_say_what_their_files_say(alice_client: Client) -> None:
    body = alice_client.get("/api/v1/methods").json()
    assert body["digest"] == shelf.catalogue().digest
    assert len(body["methods"]) == len(shelf.catalogue().methods)
    one = alice_client.get("/api/v1/methods/regularisers/kl_k3").json()
    assert one["params"][0]["limit"] == "at least 0"
    assert error(alice_client.get("/api/v1/methods/credit/none"))["where"] == "address"


def test_the_teams_own_sets_and_rewards_are_listed(alice_client: Client, charlie_client: Client, team: Team) -> None:
    made = DataSet.objects.create(team=team, name="sums", kind=DataSet.PROMPTS)
    DataVersion.objects.create(dataset=made, number=1, original="o", filename="f", file="x", rows=3, digest="d")
    DataVersion.objects.create(dataset=made, number=2, original="o", filename="f", digest="d")  # not confirmed
    reward = Reward.objects.create(team=team, name="mine")
    RewardVersion.objects.create(reward=reward, number=1, source="def reward(): ...")
    assert [one["reference"] for one in alice_client.get("/api/v1/datasets").json()["datasets"]] == [f"{made.id}@1"]
    listed = alice_client.get("/api/v1/rewards").json()["rewards"]
    assert [one["reference"] for one in listed] == [f"code:{reward.id}@1"]
    assert charlie_client.get("/api/v1/datasets").json() == {"datasets": []}
    assert charlie_client.get("/api/v1/rewards").json() == {"rewards": []}


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
