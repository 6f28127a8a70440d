"""Agreement of a reward with labels: figures by hand, and cells that open what they count."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from labapp.observatory.agreement import Confusion, agreement
from tests.labapp.observatory.stored import add_rollouts, make_run

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run


def test_accuracy_and_kappa_by_hand() -> None:
    """20 + 15 of 50 agree: 0.7. By chance (25 x 30 + 25 x 20) / 2500 = 0.5, so kappa = (0.7 - 0.5) / 0.5 = 0.4."""
    table = Confusion(both=20, reward_only=5, label_only=10, neither=15)
    assert table.total == 50
    assert table.accuracy == pytest.approx(0.7)
    assert table.kappa == pytest.approx(0.4)


def test_wilsons_interval_by_hand() -> None:
    """For 8 of 10 and z = 1.96: centre (0.8 + 0.19208) / 1.38416 = 0.71674, half-width
    1.96 / 1.38416 * sqrt(0.016 + 0.009604) = 0.22658."""
    interval = Confusion(both=8, reward_only=2, label_only=0, neither=0).interval
    assert interval is not None
    assert list(interval) == pytest.approx([0.49016, 0.94332], abs=2e-5)


def test_an_interval_stays_within_all_and_nothing() -> None:
    every = Confusion(5, 0, 0, 0)
    assert every.interval is not None
    assert every.interval[1] == pytest.approx(1)
    assert every.interval[1] <= 1
    assert every.kappa is None, "where chance alone always agrees, nothing is beyond chance"
    nothing = Confusion(0, 0, 0, 0, unscored=3)
    assert nothing.accuracy is None
    assert nothing.interval is None
    assert nothing.kappa is None


def scored(value: float | None, label: float | None, source: str = "") -> dict[str, Any]:
    return {"rewards": {"correct": value}, "label": label, "source": source}


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    """An analysis whose labels lie anywhere between 0 and 1, from two sources and from none."""
    rows = [
        scored(1, 0.7, "small"), scored(1, 0.2, "small"), scored(0, 0.5, "small"), scored(0, 0.4999, "small"),
        scored(0.5, 1, "large"), scored(1, 0.7, "large"), scored(None, 1, "large"),
        scored(0.4999, 0), scored(0, 0.9), scored(1, None),
    ]  # fmt: skip
    made = make_run(team, alice, kind="analysis", labels=["correct"])
    add_rollouts(made, rows, step=0)
    return made


def test_counts_by_source(run: Run) -> None:
    assert [(row["source"], row["table"]) for row in agreement(run, "correct")] == [
        (None, Confusion(3, 1, 2, 2, 1)),
        ("", Confusion(0, 0, 1, 1, 0)),
        ("large", Confusion(2, 0, 0, 0, 1)),
        ("small", Confusion(1, 1, 1, 1, 0)),
    ]


def test_one_source_stands_alone(team: Team, alice: User) -> None:
    run = make_run(team, alice, kind="analysis")
    assert agreement(run, "correct") == []
    add_rollouts(run, [scored(1, 1)], step=0)
    assert [row["source"] for row in agreement(run, "correct")] == [""]


def test_every_cell_opens_the_completions_it_counts(alice_client: Client, run: Run) -> None:
    page = alice_client.get(f"/runs/{run.pk}/").content.decode()
    cells = re.findall(r'<a href="\?tab=rollouts([^"]*)">(\d+)</a>', page)
    assert len(cells) == 4 * 4
    for query, count in cells:
        opened = alice_client.get(f"/runs/{run.pk}/rollouts/?{unescape(query).lstrip('&')}")
        assert opened.context["page"].paginator.count == int(count), query


def test_all_and_none_are_told_apart(alice_client: Client, run: Run) -> None:
    page = alice_client.get(f"/runs/{run.pk}/").content.decode()
    assert re.findall(r"<th>([\w ]+)</th>\s*<td class=\"number\"><a", page) == [
        "all",
        "without a source",
        "large",
        "small",
    ]
