"""Exhibits on the library's pages: started with one click, read back as intervals over seeds."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import exhibits, launch
from labapp.runs.models import MetricPoint, Run
from workers.contract.exhibits import ARMS, SEEDS

ADDRESS = "/library/preferences/dpo/exhibit/"
METHOD = shelf.catalogue().get("preferences", "dpo")


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs stay queued: no worker listens."""
    monkeypatch.setattr(launch, "send_after_commit", lambda run: None)


def started(client: Client) -> list[Run]:
    assert client.post(f"{ADDRESS}start/").status_code == 302
    return list(Run.objects.order_by("created"))


def measured(runs: list[Run], gap: float) -> None:
    """Ten points of accuracy each: 0.5 + seed/100, and `gap` more for the variant."""
    points = [
        MetricPoint(
            run=run, name="heldout/accuracy", step=step, at=timezone.now(),
            value=0.5 + run.spec["seed"] / 100 + (gap + run.spec["seed"] / 1000 if " variant " in run.name else 0),
        )
        for run in runs for step in range(10)
    ]  # fmt: skip
    MetricPoint.objects.bulk_create(points)
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(state="done")


def test_it_works(alice_client: Client) -> None:
    page = alice_client.get("/library/preferences/dpo/").content.decode()
    assert f'action="{ADDRESS}start/"' in page
    runs = started(alice_client)
    assert len(runs) == len(SEEDS) * len(ARMS)
    assert {(run.spec["seed"], run.spec["objective"]["name"]) for run in runs} == {
        (seed, name) for seed in SEEDS for name in ("policy_gradient", "dpo")
    }
    assert {run.state for run in runs} == {"queued"}
    assert {run.experiment.name for run in runs} == {"Exhibit: Direct preference optimisation (DPO)"}
    measured(runs, 0.2)
    html = alice_client.get(ADDRESS).content.decode()
    assert "The effect appears" in html
    # Differences 0.200, 0.201, 0.202: 0.201 ± 4.303 · 0.001 / √3 = 0.201 ± 0.0025.
    assert "0.1985 to 0.2035" in html


def test_seeds_that_do_not_tell_are_said_not_to(alice_client: Client) -> None:
    measured(started(alice_client), 0.0)
    html = alice_client.get(ADDRESS).content.decode()
    assert "These seeds do not tell" in html
    assert "The effect appears" not in html


def test_another_start_takes_the_place_of_the_first(alice_client: Client, team: Team) -> None:
    first = started(alice_client)
    Run.objects.update(state="done", created=timezone.now() - timedelta(hours=1))
    started(alice_client)
    newest = exhibits.read(team, METHOD).runs
    assert len(newest) == 6
    assert not {run.pk for run in newest.values()} & {run.pk for run in first}


def test_runs_that_go_on_or_ended_early_have_no_verdict(alice_client: Client) -> None:
    """Ends of different lengths must not be compared: seed 0 lacks its variant, seed 1 was stopped."""
    runs = started(alice_client)
    measured(runs, 0.2)
    Run.objects.filter(spec__seed=0, name__contains=" variant ").update(state="running")
    Run.objects.filter(spec__seed=1, name__contains=" baseline ").update(state="stopped")
    html = alice_client.get(ADDRESS).content.decode()
    assert "one seed only" in html
    Run.objects.filter(spec__seed=2).update(state="failed")
    assert "No seed has finished both of its runs yet" in alice_client.get(ADDRESS).content.decode()


def test_a_clone_is_no_run_of_the_exhibit(alice_client: Client, team: Team) -> None:
    runs = started(alice_client)
    for name in (runs[0].name, f"{runs[0].name} again"):
        launch.create(team, None, {**runs[0].spec, "name": name}, exhibits.title(METHOD), parent=runs[0])
    assert exhibits.read(team, METHOD).runs["baseline", 0].pk == runs[0].pk


def test_while_it_runs_no_second_one_is_started(alice_client: Client) -> None:
    first = started(alice_client)
    assert len(started(alice_client)) == len(first)
    Run.objects.update(state="done")
    assert len(started(alice_client)) == 2 * len(first)


def test_a_worker_with_other_methods_is_not_given_it(alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "worker_differs", lambda: "0123456789ab")
    answer = alice_client.post(f"{ADDRESS}start/")
    assert answer.status_code == 422
    assert "restart the lab" in answer.content.decode()
    assert not Run.objects.exists()


def test_a_variant_may_take_what_its_baseline_learned(alice_client: Client) -> None:
    assert alice_client.post("/library/preferences/tgdpo/exhibit/start/").status_code == 302
    runs = {(run.spec["seed"], run.name.split()[1]): run for run in Run.objects.all()}
    for seed in SEEDS:
        (guide,) = runs[seed, "variant"].spec["companions"]
        assert guide["model"]["name"] == f"run:{runs[seed, 'baseline'].pk}"
        assert runs[seed, "baseline"].spec["companions"] == []


@pytest.mark.parametrize(("who", "status"), [("bob_client", 302), ("vera_client", 403), ("client", 302)])
def test_who_may_start_it(request: pytest.FixtureRequest, db: None, who: str, status: int) -> None:
    client: Client = request.getfixturevalue(who)
    answer = client.post(f"{ADDRESS}start/")
    assert answer.status_code == status
    assert (Run.objects.count() > 0) == (who == "bob_client")


def test_an_outsider_sees_none_of_it(alice_client: Client, charlie_client: Client) -> None:
    measured(started(alice_client), 0.2)
    html = charlie_client.get(ADDRESS).content.decode()
    assert "Nobody on this team has run it yet" in html


def test_a_method_without_one_has_no_page(alice_client: Client) -> None:
    assert alice_client.get("/library/regularisers/entropy/exhibit/").status_code == 404
    assert alice_client.get("/library/credit/nothing/exhibit/").status_code == 404
