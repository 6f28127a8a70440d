"""The library: every method has a card and a page with its headings in one order, and a figure computed by a worker."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries
from redis.exceptions import ConnectionError as RedisConnectionError

from labapp import shelf
from labapp.celery_app import app
from labapp.workshop import library_views, probes, quick
from labapp.workshop.wording import quoted
from workers.contract.card import Source
from workers.contract.kinds import KINDS
from workers.contract.method import Method

METHODS = sorted(shelf.catalogue().methods.values(), key=lambda method: method.address)
PROBE = "/library/regularisers/kl_k3/probe/"
FIGURE = {"title": "Penalty", "kind": "lines", "x": {"label": "x", "unit": ""}, "y": {"label": "y", "unit": ""},
          "series": [{"name": "a", "x": [0], "y": [1], "tokens": []}], "note": "a note"}  # fmt: skip


def test_it_works(alice_client: Client) -> None:
    html = alice_client.get("/library/").content.decode()
    for method in METHODS:
        assert f'href="/library/{method.address}/"' in html
    assert html.count("<math") == len(METHODS)


@pytest.mark.parametrize("who", ["alice_client", "bob_client", "vera_client", "charlie_client"])
def test_everyone_with_a_team_may_read_it(request: pytest.FixtureRequest, who: str) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.get("/library/").status_code == 200
    page = client.get("/library/credit/grpo/")
    assert page.status_code == 200
    assert (b"Try it in a run" in page.content) == (who != "vera_client")


def test_strangers_sign_in_first(client: Client, db: None) -> None:
    for address in ("/library/", "/library/credit/grpo/", PROBE):
        assert client.get(address).status_code == 302


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.address)
def test_every_page_has_its_headings_in_one_order(alice_client: Client, method: Method) -> None:
    response = alice_client.get(f"/library/{method.address}/")
    assert response.status_code == 200
    html = response.content.decode()
    assert tuple(re.findall(r"<section id=\"\w+\" class=\"card\">(?:<div class=\"card-head\">)?<h2>(\w+)", html)) == (
        library_views.HEADINGS
    )
    assert method.digest in html
    for param in method.params:
        assert f'<td class="mono">{param.name}</td>' in html
        assert f'name="params.{param.name}"' in html
    for name in method.needs:
        assert f'<dt class="mono">{name}</dt>' in html
    assert "https://" not in re.sub(r'href="https://[^"]+"', "", html).split('id="code-text"')[0]  # only as links


def test_everything_a_method_may_need_has_words() -> None:
    asked = {name for kind in KINDS.values() for name, _ in kind.asked}
    for kind in KINDS.values():
        assert set(kind.given) <= set(library_views.GIVEN) | asked


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=rloo", {"credit/rloo"}),
        ("?q=LEAVE-ONE", {"credit/rloo"}),
        ("?kind=reductions", {m.address for m in METHODS if m.kind == "reductions"}),
        ("?kind=nothing&q=rloo", {"credit/rloo"}),
        ("?q=xyzzy", set()),
    ],
)
def test_search_and_kind_narrow_it_down(alice_client: Client, query: str, found: set[str]) -> None:
    html = alice_client.get(f"/library/{query}").content.decode()
    shown = set(re.findall(r'<h3><a href="/library/([^"]+)/">', html))
    assert found <= shown if "rloo" in query or "LEAVE" in query else found == shown
    assert ("No method matches" in html) == (not found)


def test_htmx_gets_the_cards_only(alice_client: Client) -> None:
    html = alice_client.get("/library/?q=rloo", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in html
    assert "credit/rloo" in html


def test_what_is_not_there_is_a_404_that_lists_the_names(alice_client: Client) -> None:
    response = alice_client.get("/library/credit/nothing/")
    assert response.status_code == 404
    assert "grpo" in response.content.decode()
    assert alice_client.get("/library/nothing/grpo/").status_code == 404


def test_pages_ask_the_database_for_the_caller_only(
    alice_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    alice_client.get("/library/")
    for address in ("/library/", "/library/credit/grpo/"):
        with django_assert_num_queries(2):  # the user and the memberships
            alice_client.get(address)


def test_code_is_escaped_and_coloured() -> None:
    html = library_views.highlighted("x = '<script>'  # <b>")
    assert "<script>" not in html
    assert "<span class=\"s1\">'&lt;script&gt;'</span>" in html


def test_backticks_become_code_and_the_rest_is_escaped() -> None:
    assert quoted("a `#` <b>") == "a <code>#</code> &lt;b&gt;"


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (Source("a", "arXiv:1506.02438"), "https://arxiv.org/abs/1506.02438"),
        (Source("a", "doi:10.1/2"), "https://doi.org/10.1/2"),
        (Source("a", "arXiv:1", url="https://x.org"), "https://x.org"),
        (Source("a", "a book"), ""),
    ],
)
def test_sources_are_linked(source: Source, link: str) -> None:
    assert library_views.source_link(source) == link


class Worker:
    """Stands where the broker is: notes what is asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[Any], str]] = []
        self.state = "PENDING"
        self.result: object = None

    def send_task(self, name: str, args: list[Any], queue: str, **more: Any) -> Any:
        self.asked.append((name, args, queue))
        return type("Sent", (), {"id": f"task-{len(self.asked)}"})

    def AsyncResult(self, task: str) -> Any:
        return type("Answer", (), {"state": self.state, "result": self.result})


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, servers: object) -> Iterator[Worker]:
    """A worker that answers when the test says so, and an empty cache."""
    cache.clear()
    made = Worker()
    monkeypatch.setattr(quick, "app", made)
    yield made
    cache.clear()


def test_a_figure_is_asked_for_once_and_kept(alice_client: Client, worker: Worker) -> None:
    first = alice_client.get(PROBE).content.decode()
    assert "A worker computes the figure" in first
    assert f'hx-get="{PROBE}"' in first
    alice_client.get(PROBE)
    assert worker.asked == [("merit.probe", ["regularisers", "kl_k3", {"coef": 0.05}], "quick")]
    worker.state, worker.result = "SUCCESS", FIGURE
    assert "a note" in alice_client.get(PROBE).content.decode()
    worker.state = "FAILURE"
    assert "a note" in alice_client.get(PROBE).content.decode()
    assert len(worker.asked) == 1


def test_other_values_are_another_figure(alice_client: Client, worker: Worker) -> None:
    alice_client.get(PROBE)
    html = alice_client.get(f"{PROBE}?params.given=1&params.coef=0").content.decode()
    assert "params.coef=0" in html
    assert [args[2] for _, args, _ in worker.asked] == [{"coef": 0.05}, {"coef": 0.0}]


def test_a_wrong_value_asks_nobody(alice_client: Client, worker: Worker) -> None:
    html = alice_client.get(f"{PROBE}?params.given=1&params.coef=-1").content.decode()
    assert "coef must be at least 0, not -1.0" in html
    assert worker.asked == []


def test_a_failure_is_said_and_can_be_tried_again(alice_client: Client, worker: Worker) -> None:
    alice_client.get(PROBE)
    worker.state, worker.result = "FAILURE", ValueError("the method refuses <this>")
    html = alice_client.get(PROBE).content.decode()
    assert "the method refuses &lt;this&gt;" in html
    assert "Try again" in html
    assert "the method refuses" in alice_client.get(PROBE).content.decode()
    worker.state = "PENDING"
    assert "A worker computes" in alice_client.get(f"{PROBE}?again=1").content.decode()
    assert len(worker.asked) == 2


def test_a_worker_that_is_not_there_is_said(
    alice_client: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice_client.get(PROBE)
    now = time.time() + probes.PATIENCE + 1
    monkeypatch.setattr("labapp.workshop.quick.time.time", lambda: now)
    assert "No worker answered" in alice_client.get(PROBE).content.decode()


@pytest.mark.parametrize("error", [OperationalError, RedisConnectionError, ConnectionRefusedError])
def test_a_broker_that_is_away_is_said(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    cache.clear()

    def away(*args: Any, **more: Any) -> None:
        raise error("no route")

    monkeypatch.setattr(app, "send_task", away)
    assert "The queue cannot be reached" in alice_client.get(PROBE).content.decode()
