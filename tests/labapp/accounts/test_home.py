"""The first page, the search box, and what every page carries."""

import logging

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from labapp import errors
from labapp.accounts.models import Team, User
from labapp.runs.models import Experiment, MetricPoint, Run


def a_run(team: Team, owner: User, name: str, steps: int = 60, **more: object) -> Run:
    """A run with a curve."""
    experiment, _ = Experiment.objects.get_or_create(team=team, name="First")
    run = Run.objects.create(team=team, experiment=experiment, owner=owner, name=name, spec={}, steps=steps, **more)
    now = timezone.now()
    MetricPoint.objects.bulk_create(
        [MetricPoint(run=run, name="reward/total", step=n, value=n / steps, at=now) for n in range(steps)]
    )
    return run


def test_it_works(alice_client: Client) -> None:
    page = alice_client.get("/").content.decode()
    assert "No runs yet" in page
    assert page.count("/runs/new/?guided=1") == 2


def test_runs_have_curves_of_about_sixty_points(alice_client: Client, alice: User, team: Team) -> None:
    a_run(team, alice, "long", steps=6000, state="running")
    a_run(team, alice, "short", steps=5, state="done")
    page = alice_client.get("/").content.decode()
    long, short = (part.partition('"')[0].count(",") for part in page.split('<polyline points="')[2:0:-1])
    assert (short, long) == (5, 60)
    assert "from 0.00 to 0.98" in page


def test_the_number_of_queries_does_not_grow(
    alice_client: Client, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(12):
        a_run(team, alice, f"run-{n}")
    with django_assert_max_num_queries(7):
        alice_client.get("/")


def test_viewers_are_not_asked_to_start(vera_client: Client) -> None:
    assert "/runs/new/" not in vera_client.get("/").content.decode()


def test_runs_of_others_and_deleted_ones_do_not_show(
    charlie_client: Client, alice_client: Client, alice: User, team: Team
) -> None:
    a_run(team, alice, "ours")
    a_run(team, alice, "gone", deleted=timezone.now())
    assert b"ours" in alice_client.get("/").content
    assert b"gone" not in alice_client.get("/").content
    assert b"ours" not in charlie_client.get("/").content


def test_no_worker_is_said_plainly(alice_client: Client) -> None:
    assert b"no worker answers" in alice_client.get("/workers/").content


def test_search_finds_what_is_ours(alice_client: Client, charlie_client: Client, alice: User, team: Team) -> None:
    run = a_run(team, alice, "brevity-against-truth")
    found = alice_client.get("/search/", {"q": "AGAINST"}).content.decode()
    assert f"/runs/{run.pk}/" in found
    assert str(run.pk) not in charlie_client.get("/search/", {"q": "against"}).content.decode()


@pytest.mark.parametrize(
    "address", ["/search/", "/data/", "/workshop/", "/workshop/algorithms/", "/library/", "/runs/"]
)
def test_null_characters_are_left_out_of_a_question(alice_client: Client, address: str) -> None:
    """No name has one, and the database refuses them."""
    assert alice_client.get(address, {"q": "\0"}).status_code == 200


def test_search_finds_methods(alice_client: Client) -> None:
    assert "/library/credit/grpo/" in alice_client.get("/search/", {"q": "grpo"}).content.decode()
    assert "Nothing is called" in alice_client.get("/search/", {"q": "zzzz"}).content.decode()
    assert "What are you looking for?" in alice_client.get("/search/").content.decode()


def test_every_page_carries_the_content_policy(alice_client: Client, client: Client) -> None:
    for answer in (
        alice_client.get("/"),
        client.get("/accounts/login/"),
        alice_client.get("/nothing/"),
        client.get("/healthz"),
    ):
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy


def test_a_missing_page_has_a_reference(alice_client: Client) -> None:
    answer = alice_client.get("/nothing/")
    assert answer.status_code == 404
    assert answer["X-Reference"] in answer.content.decode()


def test_a_failure_shows_a_reference_and_logs_the_trace(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("labapp.accounts.search._find", fail)
    alice_client.raise_request_exception = False
    with caplog.at_level(logging.ERROR, errors.logger.name):
        answer = alice_client.get("/search/", {"q": "x"})
    page, reference = answer.content.decode(), answer["X-Reference"]
    assert answer.status_code == 500
    assert reference in page
    assert "secret" not in page
    assert "Traceback" not in page
    line = next(record for record in caplog.records if record.name == errors.logger.name)
    assert reference in line.getMessage()
    assert line.exc_info is not None


def test_a_form_without_its_token_is_refused(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post("/accounts/profile/", {"name": "x"}).status_code == 403


def test_the_theme_of_the_cookie_is_drawn(alice_client: Client) -> None:
    assert b"data-theme" not in alice_client.get("/").content.partition(b"<body")[0]
    alice_client.cookies["theme"] = "dark"
    assert b'data-theme="dark"' in alice_client.get("/").content
    alice_client.cookies["theme"] = '"><script>'
    assert b"<script>" not in alice_client.get("/").content


def test_health(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"ok": True}
    assert client.get("/readyz").json() == {"database": True, "redis": True}


def test_readiness_fails_without_redis(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labapp.health._redis_answers", lambda: False)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (503, False)
