"""What the API gives to read: events, curves, rollouts, lists, methods, data sets and rewards."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.runs.models import MetricLatest, MetricPoint, Run
from labapp.workshop.models import Algorithm, DataSet, DataVersion, Reward, RewardVersion
from tests.labapp.api.calls import error

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_it_works(alice_client: Client, run: Run) -> None:
    body = alice_client.get(f"/api/v1/runs/{run.id}").json()
    assert body["spec"] == run.spec
    assert body["state"] == "draft"


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


def test_the_teams_algorithms_are_listed(alice_client: Client, charlie_client: Client, team: Team) -> None:
    made = Algorithm.objects.create(team=team, name="mine")
    for number in (1, 2):
        made.versions.create(number=number, document={"siblings": number}, message="m")
    listed = alice_client.get("/api/v1/algorithms").json()["algorithms"]
    assert [(one["reference"], one["document"]) for one in listed] == [
        (f"{made.pk}@2", {"siblings": 2}),
        (f"{made.pk}@1", {"siblings": 1}),
    ]
    assert charlie_client.get("/api/v1/algorithms").json() == {"algorithms": []}


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
