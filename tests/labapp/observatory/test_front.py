"""The front: dominance, hypervolume and staircase by hand, and which points of a run stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from labapp.observatory.front import Axes, describe, known, labels
from tests.labapp.observatory.stored import add_events, make_run

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from labapp.accounts.models import Team, User

# Three checkpoints and one that step 10 dominates.
FRONT: dict[str, dict[str, Any]] = {
    "0": {"values": {"brevity": 0.9, "correct": 0.4}, "errors": {"brevity": 0.01, "correct": 0.05}},
    "5": {"values": {"brevity": 0.5, "correct": 0.5}, "errors": {}},
    "10": {"values": {"brevity": 0.6, "correct": 0.7}, "errors": {}},
    "15": {"values": {"brevity": 0.3, "correct": 0.8}, "errors": {}},
}
NAMES = ["correct", "brevity"]


def told(**axes: Any) -> dict[str, Any]:
    return describe(FRONT, Axes("correct", "brevity", **axes), NAMES)


def test_hypervolume_by_hand() -> None:
    """From (0, 0), in strips of the x axis: 0.4 x 0.9 + (0.7 - 0.4) x 0.6 + (0.8 - 0.7) x 0.3 = 0.57."""
    front = told(ref_x=0.0, ref_y=0.0)
    assert front["hypervolume"] == pytest.approx(0.4 * 0.9 + 0.3 * 0.6 + 0.1 * 0.3) == pytest.approx(0.57)
    assert [point["step"] for point in front["points"] if point["best"]] == [0, 10, 15]


def test_a_reference_inside_the_front_leaves_out_what_lies_below_it() -> None:
    """From (0.5, 0.2): (0.7 - 0.5) x (0.6 - 0.2) + (0.8 - 0.7) x (0.3 - 0.2) = 0.09; step 0 is left of it."""
    front = told(ref_x=0.5, ref_y=0.2)
    assert front["hypervolume"] == pytest.approx(0.09)
    assert front["staircase"] == [[0.5, 0.6], [0.7, 0.6], [0.7, 0.3], [0.8, 0.3], [0.8, 0.2]]
    assert front["points"][0]["best"], "what is dominated does not depend on the reference"


def test_a_reference_above_all_dominates_nothing() -> None:
    front = told(ref_x=1.0, ref_y=1.0)
    assert front["hypervolume"] == 0
    assert front["staircase"] == []


def test_the_reference_lies_below_every_point_where_none_is_given_and_zero_is_one() -> None:
    assert told()["reference"] == {"x": pytest.approx(0.4 - 0.04), "y": pytest.approx(0.3 - 0.06)}
    assert told(ref_x=0.0)["reference"]["x"] == 0.0
    alone = describe({"0": FRONT["0"]}, Axes("correct", "brevity"), NAMES)
    assert alone["reference"] == {"x": pytest.approx(0.3), "y": pytest.approx(0.8)}


def test_points_come_by_step_with_their_errors_up_to_a_step() -> None:
    points = describe(FRONT, Axes("correct", "brevity"), NAMES, upto=5)["points"]
    assert [point["step"] for point in points] == [0, 5]
    assert (points[0]["x_error"], points[0]["y_error"], points[1]["x_error"]) == (0.05, 0.01, 0.0)


def test_equal_points_are_both_on_the_front() -> None:
    twice = {step: {"values": {"correct": 0.5, "brevity": 0.5}} for step in ("0", "5")}
    assert [point["best"] for point in describe(twice, Axes("correct", "brevity"), NAMES)["points"]] == [True, True]


def test_labels_stand_in_the_order_of_the_document() -> None:
    assert labels(FRONT, NAMES) == ["correct", "brevity"]
    assert labels(FRONT, ["correct"]) == ["correct", "brevity"]
    assert labels({}, NAMES) == NAMES
    assert labels({"0": {"values": {"correct": 1}}, "5": {"values": {}}}, NAMES) == []


def test_the_points_of_the_newest_attempt_stand(team: Team, alice: User) -> None:
    """A worker died after step 10 and the next took the run up at step 5: the point of step 10 is forgotten."""
    from labapp.runs import feed

    run = make_run(team, alice)
    point = {"values": {"correct": 0.5, "brevity": 0.5}, "errors": {}}
    moved: dict[str, Any] = {"state": "running"}
    rows = [(1, 0, "state", moved), (1, 0, "front", point), (1, 1, "metrics", {"values": {"kl": 0.1}}),
            (1, 5, "front", point), (1, 10, "front", point), (2, 5, "state", moved)]  # fmt: skip
    add_events(run, rows)
    assert list(known(run)) == ["0", "5"]
    again = {"values": {"correct": 0.6, "brevity": 0.4}, "errors": {}}
    add_events(run, [(2, 10, "front", again)])
    assert known(run) == feed.view(run.pk)["front"] == {"0": point, "5": point, "10": again}


def test_a_front_is_asked_for_in_few_queries_that_read_no_rollouts(
    alice_client: Client, team: Team, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = make_run(team, alice)
    add_events(run, [(0, 0, "front", FRONT["0"]), (0, 10, "front", FRONT["10"]), (0, 15, "front", FRONT["15"])])
    with django_assert_max_num_queries(5) as asked:
        data = alice_client.get(f"/runs/{run.pk}/front/?rx=0&ry=0").json()
    assert data["x"] == "correct"
    assert data["y"] == "brevity"
    assert data["labels"] == NAMES
    assert data["hypervolume"] == pytest.approx(0.57)
    (events,) = [query["sql"] for query in asked.captured_queries if "runs_event" in query["sql"]]
    assert "'front'" in events
    assert "'state'" in events


@pytest.mark.parametrize("query", ["rx=left", "ry=nan", "rx=inf", "upto=1e13"])
def test_a_reference_that_is_no_number_is_refused(alice_client: Client, team: Team, alice: User, query: str) -> None:
    answer = alice_client.get(f"/runs/{make_run(team, alice).pk}/front/?{query}")
    assert answer.status_code == 400
    assert "a number is needed" in answer.json()["error"]


@pytest.mark.parametrize("query", ["", "x=%00", "x=unknown&y=other", "upto=0", "upto=1e11"])
def test_a_front_without_points_is_empty(alice_client: Client, team: Team, alice: User, query: str) -> None:
    data = alice_client.get(f"/runs/{make_run(team, alice).pk}/front/?{query}").json()
    assert data["points"] == []
    assert data["hypervolume"] == 0
    assert data["staircase"] == []
