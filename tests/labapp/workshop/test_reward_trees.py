"""Saved trees: what is refused, what keeps a reward from being deleted, and what two versions say of samples."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.workshop import rewards, uses
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.versioning import NotSaved
from tests.labapp.workshop.conftest import QuickWorker
from workers.contract.rewardnode import Node
from workers.door.judged import judge

LONG = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
RIGHT = Node("rewards", "numeric_answer")
SAMPLES = '{"prompt": "1+1", "completion": "2", "answer": "2"}\n{"completion": "no", "answer": "4"}'


def total(*of: Node) -> Node:
    return Node("combining", "sum", of=of)


@pytest.fixture
def code(team: Team, alice: User) -> RewardVersion:
    """A saved function."""
    return rewards.create(team, alice, "long", LONG)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (total(), "sum: sum needs 1 or more parts"),
        (Node("combining", "gate", of=(RIGHT,)), "gate: gate needs 2 parts, not 1"),
        (total(RIGHT, Node("rewards", "nothing", label="mine")), "mine: there is no rewards method 'nothing'"),
        (total(Node("rewards", "code:999@1")), "no saved text of code:999@1"),
        (total(Node("rewards", "brevity", {"zero_from": "x"})), "brevity: zero_from is a"),
        (total(Node("rewards", "brevity", label="a\0b")), "null character"),
    ],
)
def test_a_tree_that_cannot_be_used_is_not_saved(team: Team, alice: User, tree: Node, said: str) -> None:
    with pytest.raises(NotSaved, match=said):
        rewards.create(team, alice, "x", tree)
    assert Reward.objects.count() == 0


def test_equal_parts_are_no_new_version(team: Team, alice: User) -> None:
    version = rewards.create(team, alice, "x", total(RIGHT))
    with pytest.raises(NotSaved, match="These are the parts of version 1"):
        rewards.save(version.reward, alice, total(RIGHT))
    assert rewards.save(version.reward, alice, total(RIGHT, RIGHT)).number == 2
    assert rewards.save(version.reward, alice, LONG).number == 3  # parts, then Python
    assert rewards.save(version.reward, alice, total(RIGHT, RIGHT)).number == 4


def test_a_function_within_a_saved_tree_is_not_deleted(alice_client: Client, alice: User, code: RewardVersion) -> None:
    tree = rewards.create(code.reward.team, alice, "both", total(Node("rewards", code.reference)))
    assert list(uses.trees_of_reward(code.reward)) == [tree]
    address = f"/workshop/rewards/{code.reward_id}/"
    said = alice_client.post(f"{address}delete/", follow=True).content.decode()
    assert "is used by the reward both, version 1" in said
    assert Reward.objects.count() == 2
    assert alice_client.post(f"/workshop/rewards/{tree.reward_id}/delete/").status_code == 302
    assert alice_client.post(f"{address}delete/").status_code == 302
    assert Reward.objects.count() == 0


def test_what_a_run_has_within_its_tree_is_not_deleted(team: Team, alice: User, code: RewardVersion) -> None:
    """Also where the tree was pasted and never saved; a label that looks like a name keeps nothing."""
    leaf = {"kind": "rewards", "name": code.reference, "source": LONG}
    tree = {"kind": "combining", "name": "sum", "of": [{"kind": "combining", "name": "sum", "of": [leaf]}]}
    run = launch.create(team, alice, {"name": "r", "rewards": [{"name": "tree:77@1", "tree": tree}]}, "E")
    other = {"name": "o", "rewards": [{"name": "format", "label": f'"name": "{code.reference}"'}]}
    launch.create(team, alice, other, "E")
    assert list(uses.runs_of_reward(code.reward)) == [run]


def test_a_tree_that_a_run_uses_is_not_deleted(team: Team, alice: User) -> None:
    version = rewards.create(team, alice, "both", total(RIGHT))
    others = rewards.create(team, alice, "other", total(RIGHT))
    run = launch.create(team, alice, {"name": "r", "rewards": [{"name": version.reference, "tree": version.tree}]}, "E")
    assert list(uses.runs_of_reward(version.reward)) == [run]
    assert not uses.runs_of_reward(others.reward).exists()
    assert "both is used by r" in uses.refusal("both", uses.runs_of_reward(version.reward))


def test_two_versions_are_compared_where_they_differ_most(
    alice_client: Client, alice: User, code: RewardVersion, quick_worker: QuickWorker
) -> None:
    """By hand: the function says 1 and 2, the second version 2 + 1 (right) and 2 (wrong): they differ by 1 and 0."""
    worker = quick_worker(judge)
    rewards.save(code.reward, alice, total(Node("rewards", code.reference), RIGHT))
    address = f"/workshop/rewards/{code.reward_id}/compare/"
    page = alice_client.get(address).content.decode()
    assert f'value="{code.reference}" selected' in page
    assert f'value="tree:{code.reward_id}@2" selected' in page
    fields = {"a": code.reference, "b": f"tree:{code.reward_id}@2", "place": "pasted", "pasted": SAMPLES}
    html = alice_client.post("/workshop/rewards/compare/", fields).content.decode()
    assert len(worker.sent[0][2][0]) == 2
    html = alice_client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()
    assert "<dd>1 of 2</dd>" in html
    assert html.index("<b>+1</b>") < html.index("<b>0</b>")
    assert "<dd>long · version 1</dd>" in html


@pytest.mark.parametrize("wrong", [{"b": "tree:9@9"}, {"a": ""}, {"pasted": ""}])
def test_what_cannot_be_compared_is_said(alice_client: Client, code: RewardVersion, wrong: dict[str, str]) -> None:
    fields = {"a": code.reference, "b": code.reference, "place": "pasted", "pasted": SAMPLES}
    html = alice_client.post("/workshop/rewards/compare/", fields | wrong).content.decode()
    assert 'role="alert"' in html


def test_a_comparison_stays_with_its_team(
    alice_client: Client, charlie_client: Client, code: RewardVersion, quick_worker: QuickWorker
) -> None:
    quick_worker(judge)
    fields = {"a": code.reference, "b": code.reference, "place": "pasted", "pasted": SAMPLES}
    assert "Choose two saved versions" in charlie_client.post("/workshop/rewards/compare/", fields).content.decode()
    html = alice_client.post("/workshop/rewards/compare/", fields).content.decode()
    address = html.split('hx-get="')[1].split('"')[0]
    assert charlie_client.get(address).status_code == 404


def test_the_list_says_how_each_is_written(alice_client: Client, alice: User, code: RewardVersion) -> None:
    rewards.create(code.reward.team, alice, "both", total(RIGHT))
    html = alice_client.get("/workshop/").content.decode()
    assert html.count('<span class="tag">parts</span>') == 1
    assert html.count('<span class="tag">Python</span>') == 1
    assert json.dumps("/workshop/rewards/new/parts/") in html
