"""Runs side by side: where their documents differ, and what each said to the same prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.test import Client

from labapp.runs.compare import MOST, differences, flatten
from tests.labapp.observatory.stored import add_rollouts, make_run

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from labapp.accounts.models import Team, User


def test_only_what_differs_is_listed() -> None:
    first = {
        "name": "a",
        "seed": 0,
        "credit": {"name": "grpo", "digest": "1", "params": {}},
        "rewards": [{"weight": 1}],
    }
    second = {
        "name": "a",
        "seed": 1,
        "credit": {"name": "rloo", "digest": "2", "params": {"norm": "std"}},
        "rewards": [],
    }
    assert differences([first, second]) == [
        {"path": "seed", "values": [0, 1]},
        {"path": "credit.name", "values": ["grpo", "rloo"]},
        {"path": "rewards.0.weight", "values": [1, None]},
        {"path": "credit.params.norm", "values": [None, "std"]},
        {"path": "rewards", "values": [None, []]},
    ]
    assert differences([first, first]) == [] == differences([])


def test_leaves_have_dotted_paths() -> None:
    assert list(flatten({"a": {"b": [1, {"c": 2}]}, "d": None})) == [("a.b.0", 1), ("a.b.1.c", 2), ("d", None)]


def test_the_best_answers_come_first_and_those_without_a_reward_last(
    alice_client: Client, team: Team, alice: User
) -> None:
    runs = [make_run(team, alice, name) for name in "ab"]
    for run in runs:
        add_rollouts(run, [{"total": 0.7}], step=1)
        add_rollouts(run, [{"total": total} for total in (0.1, None, 0.9, 0.5, 0.3)], step=2)
    context = alice_client.get(f"/runs/compare/?run={runs[0].pk}&run={runs[1].pk}").context
    assert [row.total for row in context["sides"][0]["rows"]] == [0.9, 0.5, 0.3, 0.1], "the newest step, four of it"
    few = make_run(team, alice, "c")
    add_rollouts(few, [{"total": None}, {"total": 0.0}])
    context = alice_client.get(f"/runs/compare/?run={runs[0].pk}&run={few.pk}").context
    assert [row.total for row in context["sides"][1]["rows"]] == [0.0, None]


def test_prompts_are_those_that_all_runs_met(alice_client: Client, team: Team, alice: User) -> None:
    runs = [make_run(team, alice, name) for name in "abc"]
    for run in runs[:2]:
        add_rollouts(run, [{"prompt_key": "both"}, {"prompt_key": "both"}, {"prompt_key": run.name}])
    address = f"/runs/compare/?run={runs[0].pk}&run={runs[1].pk}"
    context = alice_client.get(f"{address}&prompt=unknown").context
    assert [one["prompt_key"] for one in context["prompts"]] == ["both"]
    assert context["chosen"] == "both"
    assert alice_client.get(f"{address}&run={runs[2].pk}").context["prompts"] == []


@pytest.mark.parametrize("query", ["", "run=nonsense", "run=%00", f"run={uuid4()}", "run="])
def test_fewer_than_two_runs_teach(alice_client: Client, query: str) -> None:
    assert "Choose two runs or more" in alice_client.get(f"/runs/compare/?{query}").content.decode()


def test_a_run_counts_once_and_no_more_than_twelve(
    alice_client: Client, team: Team, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [make_run(team, alice, str(number)) for number in range(MOST + 2)]
    query = "&".join(f"run={run.pk}" for run in runs)
    assert alice_client.get(f"/runs/compare/?run={runs[0].pk}&run={runs[0].pk}").context["runs"] == runs[:1]
    with django_assert_max_num_queries(8):
        assert alice_client.get(f"/runs/compare/?{query}").context["runs"] == runs[:MOST]
