"""The table of rollouts: filters, order, paging, export, and addresses that make no sense."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from django.http import QueryDict
from django.test import Client

from labapp.observatory.listing import AskedWrong, read_filters, telling
from tests.labapp.observatory.stored import add_rollouts, make_run

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run

ROWS: list[dict[str, Any]] = [
    {
        "completion": "12+3=15#15",
        "rewards": {"correct": 1.0, "brevity": 0.2},
        "total": 1.2,
        "label": 1.0,
        "source": "x",
    },
    {"completion": "#14", "rewards": {"correct": 0.0, "brevity": 0.9}, "total": 0.9, "label": 0.7, "source": "x"},
    {"completion": "#15", "rewards": {"correct": 1.0, "brevity": 0.9}, "total": 1.9, "label": 0.2, "source": ""},
    {"completion": "", "rewards": {"correct": None, "brevity": None}, "total": None, "label": None, "source": ""},
]


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """Four completions at step 1, two at step 2."""
    made = make_run(team, alice)
    add_rollouts(made, ROWS, step=1)
    add_rollouts(made, [{}, {}], step=2)
    return made


def shown(client: Client, run: Run, query: str) -> list[tuple[int, int]]:
    answer = client.get(f"/runs/{run.pk}/rollouts/?{query}")
    assert answer.status_code == 200
    return [(row["rollout"].step, row["rollout"].index) for row in answer.context["rows"]]


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        ("", [0, 1, 2, 3]), ("group=1", [2, 3]), ("q=%2315", [0, 2]), ("q=1%2B1", [0, 1, 2, 3]), ("node=1,3", [1, 3]),
        ("sort=-total", [2, 0, 1, 3]), ("sort=total", [1, 0, 2, 3]), ("sort=-reward.brevity", [1, 2, 0, 3]),
        ("reward=correct&least=0.5", [0, 2]), ("reward=correct&most=0.5", [1]), ("least=0.5", [0, 1, 2, 3]),
        ("reward=brevity&least=0.2&most=0.9", [0]),
        ("label_least=0.5", [0, 1]), ("label_most=0.5", [2]), ("source=x", [0, 1]), ("source=", [2, 3]),
    ],
)  # fmt: skip
def test_what_the_address_asks_for_is_shown(alice_client: Client, run: Run, query: str, indices: list[int]) -> None:
    assert shown(alice_client, run, f"step=1&{query}") == [(1, index) for index in indices]


def test_without_an_order_the_newest_step_comes_first(alice_client: Client, run: Run) -> None:
    assert shown(alice_client, run, "")[0] == (2, 0)
    assert shown(alice_client, run, "steps=0-1")[0] == (1, 0)
    assert shown(alice_client, run, "steps=3-9") == []


def test_a_bound_of_zero_is_a_bound(alice_client: Client, run: Run) -> None:
    assert shown(alice_client, run, "step=1&reward=correct&most=0") == []
    assert shown(alice_client, run, "step=0") == []


@pytest.mark.parametrize(
    "query",
    ["q=%00", "reward=%00&least=1", "source=%00", "sort=reward.%00", "step=-1", "step=one", "steps=5", "steps=a-b",
     "node=1,x", "label_least=high", "least=1e"],
)  # fmt: skip
def test_what_cannot_be_read_is_said(alice_client: Client, run: Run, query: str) -> None:
    for address in ("rollouts/", "rollouts.csv", "tree/"):
        assert alice_client.get(f"/runs/{run.pk}/{address}?{query}").status_code == 400, address
    answer = alice_client.get(f"/runs/{run.pk}/rollouts/?{query}").content.decode()
    assert "needed" in answer
    assert "<table" not in answer


@pytest.mark.parametrize(
    "query",
    ["steps=0-999999999", "steps=5-1", "node=999999999", "group=999999999", "least=nan&reward=correct", "page=zzz",
     "least=inf&reward=correct", "label_least=nan", "sort=nothing", "step=%D9%A3", "sort=reward.unknown"],
)  # fmt: skip
def test_the_unlikely_is_answered(alice_client: Client, run: Run, query: str) -> None:
    assert alice_client.get(f"/runs/{run.pk}/rollouts/?{query}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "rollouts/99999999999/1/",
        "rollouts/1/99999999999999999999/",
        "tree/?step=1&group=77",
        "files/%00",
        "files/..%2Fx",
    ],
)
def test_what_is_not_there_is_not_found(alice_client: Client, run: Run, path: str) -> None:
    assert alice_client.get(f"/runs/{run.pk}/{path}").status_code == 404


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(AskedWrong, match="step: a whole number is needed, not 'one'"):
        read_filters(QueryDict("step=one"))


def test_a_page_has_fifty_rows_and_costs_the_same_for_any(
    alice_client: Client, run: Run, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_rollouts(run, [{} for _ in range(120)], step=3)
    with django_assert_max_num_queries(6):
        assert len(shown(alice_client, run, "step=3")) == 50
    assert len(shown(alice_client, run, "step=3&page=3")) == 20


def test_the_export_holds_what_is_filtered_and_runs_no_formula(alice_client: Client, run: Run) -> None:
    add_rollouts(run, [{"completion": "=1+1", "total": 0.25}], step=7)
    answer = alice_client.get(f"/runs/{run.pk}/rollouts.csv?step=7")
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert row["completion"] == "'=1+1"
    assert row["total"] == "0.25"
    assert row["reward.brevity"] == "0.5"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plain", 'attachment; filename="plain-metrics.csv"'),
        ('a"b', r'attachment; filename="a\"b-metrics.csv"'),
        ("α", "attachment; filename*=utf-8''%CE%B1-metrics.csv"),
        ("two\nlines", 'attachment; filename="two lines-metrics.csv"'),
    ],
)
def test_a_download_bears_any_name(alice_client: Client, team: Team, alice: User, name: str, header: str) -> None:
    run = make_run(team, alice, name)
    assert alice_client.get(f"/runs/{run.pk}/metrics.csv")["Content-Disposition"] == header
    assert alice_client.get(f"/runs/{run.pk}/rollouts.csv").status_code == 200


def test_the_most_telling_group_has_rewards_furthest_apart() -> None:
    groups = [{"group": 4, "spread": 0.0}, {"group": 5, "spread": 0.9}, {"group": 6, "spread": 0.9}]
    assert telling(groups) == 5
    assert telling([{"group": 7, "spread": None}]) == 7, "a group in which nothing was scored"
