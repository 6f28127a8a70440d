"""The list of runs and the page of one run: what they hold, what they cost, and what a person can do there."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from tests.labapp.observatory.stored import add_events, add_rollouts, make_run, save_file

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from labapp.accounts.models import Team, User


class Scripts(HTMLParser):
    """The JSON that a page embeds, by the ids of its script elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._now = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._now = dict(attrs).get("id") or "" if tag == "script" else ""

    def handle_data(self, data: str) -> None:
        if self._now:
            self.found[self._now] = self.found.get(self._now, "") + data


def test_it_works(alice_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    add_events(run, [(0, 1, "metrics", {"values": {"kl": 0.25}})])
    page = alice_client.get(f"/runs/{run.pk}/").content.decode()
    snapshot = json.loads(Scripts(page).found["snapshot"])
    assert snapshot["view"]["metrics"] == {"kl": {"1": 0.25}}
    assert snapshot["header"]["name"] == "a run"
    assert snapshot["header"]["rights"] == ["change", "manage", "see"]
    addresses = json.loads(Scripts(page).found["addresses"])
    assert addresses["socket"] == f"/ws/runs/{run.pk}/"
    assert addresses["tree"] == f"/runs/{run.pk}/tree/"


@pytest.mark.parametrize(
    "tab", ["overview", "rollouts", "credit", "tree", "front", "config", "log", "files", "nonsense"]
)
@pytest.mark.parametrize("kind", ["train", "analysis"])
def test_every_tab_of_every_kind(alice_client: Client, team: Team, alice: User, tab: str, kind: str) -> None:
    run = make_run(team, alice, kind=kind)
    answer = alice_client.get(f"/runs/{run.pk}/?tab={tab}")
    known = tab != "nonsense" and (tab != "front" or kind == "train")
    assert answer.status_code == 200
    assert answer.context["tab"] == (tab if known else "overview")


def test_the_page_gives_its_document_as_json_and_yaml_in_one_order(
    alice_client: Client, team: Team, alice: User
) -> None:
    from labapp import shelf
    from labapp.runs import launch
    from labapp.runs.guided import guided
    from workers.contract.spec import to_dict

    spec = to_dict(guided(shelf.catalogue()))
    run = launch.create(team, alice, spec, "E")
    context = alice_client.get(f"/runs/{run.pk}/?tab=config").context
    as_json, as_yaml = json.loads(context["spec_json"]), yaml.safe_load(context["spec_yaml"])
    assert as_json == as_yaml == spec
    assert list(as_json) == list(as_yaml) == list(spec), "the order of the document, not that of the database"


def test_the_yaml_of_any_run_reads_back_when_pasted(alice_client: Client, team: Team, alice: User) -> None:
    """`1e-4` is a text to the YAML of old and a number to ours: unquoted, the name would come back as a number."""
    from dataclasses import replace

    from labapp import shelf
    from labapp.runs import launch
    from labapp.runs.guided import guided
    from workers import documents
    from workers.contract.spec import to_dict

    spec = replace(guided(shelf.catalogue()), name="1e-4")
    run = launch.create(team, alice, to_dict(spec), "E")
    assert documents.read(alice_client.get(f"/runs/{run.pk}/?tab=config").context["spec_yaml"]) == spec


def test_files_are_listed_with_their_sizes_and_opened(alice_client: Client, team: Team, alice: User) -> None:
    from labapp.runs.models import Checkpoint

    run = make_run(team, alice, "two\nlines")
    (here, _) = [*add_rollouts(run, [{}], step=1), *add_rollouts(run, [{}], step=2)]
    save_file(here.file, [["a"]])
    Checkpoint.objects.create(run=run, step=2, name="step-000002", size=1000, digest="d" * 64, at=timezone.now())
    files = alice_client.get(f"/runs/{run.pk}/?tab=files").context["files"]
    assert [(file["kind"], file["step"]) for file in files] == [("checkpoint", 2), ("rollouts", 2), ("rollouts", 1)]
    assert files[1]["size"] is None
    assert files[2]["size"] > 0
    answer = alice_client.get(f"/runs/{run.pk}/files/step-000001.parquet")
    assert answer["Content-Disposition"] == 'attachment; filename="two lines-step-000001.parquet"'
    assert answer.getvalue()[:4] == b"PAR1"
    assert alice_client.get(f"/runs/{run.pk}/files/step-000002.parquet").status_code == 404


def test_a_run_is_deleted_said_to_be_so_and_brought_back(bob_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    assert not bob_client.get(f"/runs/{run.pk}/").has_header("X-Run-Deleted")
    bob_client.post(f"/runs/{run.pk}/delete/")
    deleted = bob_client.get(f"/runs/{run.pk}/")
    assert deleted["X-Run-Deleted"] == "1"
    assert "It can be brought back" in deleted.content.decode()
    assert list(bob_client.get("/runs/").context["page"]) == []
    assert list(bob_client.get("/runs/?deleted=1").context["page"]) == [run]
    bob_client.post(f"/runs/{run.pk}/undelete/")
    assert list(bob_client.get("/runs/").context["page"]) == [run]


def test_a_refusal_is_told(bob_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    page = bob_client.post(f"/runs/{run.pk}/stop/", follow=True).content.decode()
    assert 'class="toast error"' in page
    run.refresh_from_db()
    assert run.state == "draft"


def test_viewers_see_no_buttons_that_they_may_not_use(vera_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    page = vera_client.get(f"/runs/{run.pk}/").content.decode()
    assert "/delete/" not in page
    assert "/stop/" not in page
    assert "?clone=" not in page


def test_the_list_filters_and_sorts(alice_client: Client, team: Team, alice: User) -> None:
    first, second = make_run(team, alice, "abc"), make_run(team, alice, "bcd")
    found = {query: list(alice_client.get(f"/runs/?{query}").context["page"]) for query in (
        "", "q=ab", "state=draft", "state=done", "sort=name", "sort=-name", "sort=password", "experiment=0",
        f"experiment={first.experiment_id}",
    )}  # fmt: skip
    assert found == {
        "": [second, first], "q=ab": [first], "state=draft": [second, first], "state=done": [],
        "sort=name": [first, second], "sort=-name": [second, first], "sort=password": [second, first],
        "experiment=0": [], f"experiment={first.experiment_id}": [second, first],
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    ["q=%00", "sort=%00", "state=%00", "experiment=%00", "page=%00", "experiment=999999999", "experiment=%D9%A3",
     "page=zzz", "page=99"],
)  # fmt: skip
def test_the_unlikely_is_answered(alice_client: Client, team: Team, alice: User, query: str) -> None:
    make_run(team, alice)
    assert alice_client.get(f"/runs/?{query}").status_code == 200


def test_the_list_costs_the_same_for_one_run_and_for_many(
    alice_client: Client, team: Team, alice: User, django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    make_run(team, alice)
    with django_assert_max_num_queries(10) as few:
        alice_client.get("/runs/")
    for number in range(60):
        add_events(make_run(team, alice, f"run {number}"), [(0, 1, "metrics", {"values": {"reward/total": 1.0}})])
    with django_assert_num_queries(len(few)):
        assert len(alice_client.get("/runs/").context["rows"]) == 50
