"""Strips and trees out of the files of a step, also when a step is written again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from labapp.observatory.trees import DEEPEST, tree_of
from tests.labapp.observatory.stored import add_rollouts, make_run, save_file

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.observatory.models import Rollout


@pytest.fixture
def rows(team: Team, alice: User) -> list[Rollout]:
    """Three completions of one group at step 1: ab, ac, d."""
    made = add_rollouts(make_run(team, alice), [{"group": 0}, {"group": 0}, {"group": 0}])
    save_file(made[0].file, [["a", "b"], ["a", "c"], ["d"]], [1.0, 0.0, 0.5])
    return made


def test_a_strip_has_one_number_a_token_in_every_stream(alice_client: Client, rows: list[Rollout]) -> None:
    data = alice_client.get(f"/runs/{rows[0].run_id}/rollouts/1/1/").json()
    assert data["pieces"] == ["a", "c"]
    assert data["streams"] == {"advantage": [0.5, 0.5]}
    assert data["mask"] == [True, True]
    assert (data["prompt"], data["total"], data["rewards"], data["answer"]) == ("1+1=", 0.0, {"correct": 1.0}, "2")


def test_what_a_judge_wrote_is_beside_its_value(alice_client: Client, rows: list[Rollout]) -> None:
    import pyarrow.parquet as pq
    from django.core.files.storage import default_storage

    with default_storage.open(rows[0].file, "rb") as handle:
        table = pq.read_table(handle).append_column("note.correct", [["well: [[4]]", "", None]])
    with default_storage.open(rows[0].file, "wb") as handle:
        pq.write_table(table, handle)
    told = [alice_client.get(f"/runs/{rows[0].run_id}/rollouts/1/{n}/").json()["notes"] for n in range(3)]
    assert told == [{"correct": "well: [[4]]"}, {}, {}]


def test_a_step_that_is_written_again_is_read_again(alice_client: Client, rows: list[Rollout]) -> None:
    """A worker that takes a run up from its checkpoint writes the later steps anew, under the same names."""
    strip, tree = f"/runs/{rows[0].run_id}/rollouts/1/0/", f"/runs/{rows[0].run_id}/tree/"
    assert alice_client.get(strip).json()["pieces"] == ["a", "b"]
    save_file(rows[0].file, [["x", "y"], ["x", "z"], ["w"]])
    assert alice_client.get(strip).json()["pieces"] == ["x", "y"]
    assert [node["text"] for node in alice_client.get(tree).json()["root"]["children"]] == ["x", "w"]


def test_a_tree_by_hand(alice_client: Client, rows: list[Rollout]) -> None:
    """V(root) = 1/2; V(a) = 1/2 with ab worth 1 and ac worth 0; V(d) = 1/2."""
    data = alice_client.get(f"/runs/{rows[0].run_id}/tree/?step=1&group=0").json()
    assert data["mean"] == 0.5
    assert data["size"] == 3
    assert data["groups"] == [{"group": 0, "prompt": "1+1=", "mean": 1.5, "spread": 0.0}]
    first, second = data["root"]["children"]
    assert (first["text"], first["visits"], first["rows"], first["mean"], first["edge"]) == ("a", 2, [0, 1], 0.5, 0.0)
    assert [(leaf["text"], leaf["edge"], leaf["ending"]) for leaf in first["children"]] == [
        ("b", 0.5, [0]),
        ("c", -0.5, [1]),
    ]
    assert (second["text"], second["ending"], second["id"]) == ("d", [2], "0.1")


def test_a_file_that_is_gone_is_said(alice_client: Client, rows: list[Rollout]) -> None:
    from django.core.files.storage import default_storage

    default_storage.delete(rows[0].file)
    for path in ("rollouts/1/0/", "tree/"):
        answer = alice_client.get(f"/runs/{rows[0].run_id}/{path}")
        assert answer.status_code == 410
        assert "step 1 is gone" in answer.json()["error"]


def test_a_run_without_rollouts_has_no_tree(alice_client: Client, team: Team, alice: User) -> None:
    run = make_run(team, alice)
    assert alice_client.get(f"/runs/{run.pk}/tree/").json() == {"step": None, "group": None, "groups": [], "root": None}


def test_a_chain_of_prefixes_is_drawn_as_deep_as_json_bears() -> None:
    """Each completion is the start of the next: a chain as deep as the group is large."""
    rows = [{"tokens": [1] * many, "pieces": ["a"] * many, "total": 1.0, "index": many} for many in range(1, 1500)]
    drawn = tree_of(rows)
    node, levels = drawn["root"], 1
    while node["children"]:
        (node,), levels = node["children"], levels + 1
    assert levels == DEEPEST
    assert node["deeper"]
    assert not drawn["root"]["deeper"]
    json.dumps(drawn)
