"""The page of a reward put together from parts: its steps, what is said of parts, saving, and values on samples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from labapp.accounts.models import Team, User
from labapp.observatory.models import Rollout
from labapp.runs import launch
from labapp.workshop import rewards
from labapp.workshop.models import Reward, RewardVersion
from tests.labapp.workshop.conftest import QuickWorker
from workers.contract.rewardnode import Node
from workers.door.judged import judge

NEW, STEP, VALUES = "/workshop/rewards/new/parts/", "/workshop/rewards/parts/step/", "/workshop/rewards/parts/values/"
LONG = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
RIGHT = {"kind": "rewards", "name": "numeric_answer"}
GATE = {"kind": "combining", "name": "gate", "of": [RIGHT, {"kind": "rewards", "name": "format", "label": "tags"}]}
SAMPLES = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no", "answer": "4"}'


def tree_of(html: str) -> Any:
    """The tree that the page would send."""
    from html import unescape

    text = unescape(html.split('name="tree" value="')[1].split('"')[0])
    return json.loads(text) if text else None


def after(client: Client, tree: Any, do: str, at: str = "", **fields: str) -> str:
    """The page after a step."""
    response = client.post(STEP, {"tree": json.dumps(tree) if tree else "", "do": do, "at": at, **fields})
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


@pytest.fixture
def code(team: Team, alice: User) -> RewardVersion:
    """A saved function."""
    return rewards.create(team, alice, "long", LONG)


def test_it_works(bob_client: Client) -> None:
    html = bob_client.get(NEW).content.decode()
    assert "No part yet" in html
    html = after(bob_client, None, "add", pick="rewards/numeric_answer")
    assert tree_of(html) == RIGHT
    html = after(bob_client, RIGHT, "wrap", pick="combining/gate")
    html = after(bob_client, tree_of(html), "add", pick="rewards/format")
    assert [one["name"] for one in tree_of(html)["of"]] == ["numeric_answer", "format"]
    assert "<math" in html
    response = bob_client.post(NEW, {"name": "both", "tree": json.dumps(tree_of(html)), "message": "a start"})
    version = RewardVersion.objects.get()
    assert response["Location"] == f"/workshop/rewards/{version.reward_id}/"
    assert (version.source, version.reference) == ("", f"tree:{version.reward_id}@1")
    assert version.tree == tree_of(html)
    page = bob_client.get(response["Location"]).content.decode()
    assert f"/runs/new/?reward=tree:{version.reward_id}@1" in page
    assert page.count('role="treeitem"') == 3


def test_fields_are_read_before_a_step_is_done(alice_client: Client) -> None:
    fields = {"tree.shown": "gate", "tree.params.threshold": "0.5", "tree.label": "only if  right"}
    html = after(alice_client, GATE, "down", "of.0", **fields)
    made = tree_of(html)
    assert (made["params"], made["label"]) == ({"threshold": 0.5}, "only if right")
    assert [one["name"] for one in made["of"]] == ["format", "numeric_answer"]
    assert made["of"][0]["label"] == "tags"


def test_what_is_no_value_stays_and_is_told_at_its_part(alice_client: Client) -> None:
    html = after(alice_client, GATE, "check", **{"tree.shown": "gate", "tree.params.threshold": "much"})
    assert 'data-trouble="tree.params.threshold"' in html
    assert "<b>gate</b>" in html
    drawn = after(alice_client, GATE, "up", "of.0", **{"tree.shown": "gate", "tree.params.threshold": "much"})
    assert 'value="much"' in drawn
    response = alice_client.post(NEW, {"name": "x", "tree": json.dumps(tree_of(drawn))})
    assert response.status_code == 422
    assert "Not saved. gate: threshold is a number" in response.content.decode()
    assert Reward.objects.count() == 0


def test_the_last_change_is_undone_first_in_fields_then_in_steps(alice_client: Client) -> None:
    from html import unescape

    html = after(alice_client, GATE, "remove", "of.1")
    past = unescape(html.split('name="past" value="')[1].split('"')[0])
    drawn = tree_of(html)
    typed = {"tree.shown": "gate", "tree.params.threshold": "0.25", "past": past}
    html = after(alice_client, drawn, "undo", **typed)
    assert tree_of(html) == drawn
    html = after(alice_client, drawn, "undo", past=past)
    assert [one["name"] for one in tree_of(html)["of"]] == ["numeric_answer", "format"]
    assert tree_of(after(alice_client, drawn, "undo", past="[]")) == drawn


@pytest.mark.parametrize(
    "fields", [{"tree": "{"}, {"tree": '{"kind": 3}'}, {"tree": '{"of": [' * 4000}, {"past": "3"}, {"past": '["x"]'}]
)
def test_what_is_no_tree_is_refused(alice_client: Client, fields: dict[str, str]) -> None:
    assert alice_client.post(STEP, {"do": "up", "tree": json.dumps(GATE), **fields}).status_code == 400


def test_no_step_makes_a_tree_too_large(alice_client: Client) -> None:
    """Eleven sums around a reward are twelve levels; sixty-four parts are the most."""
    tree: dict[str, Any] = RIGHT
    for _ in range(11):
        tree = {"kind": "combining", "name": "sum", "of": [tree]}
    html = after(alice_client, tree, "wrap", pick="combining/sum")
    assert tree_of(html) == tree
    assert "at most 12 deep" in html
    wide = {"kind": "combining", "name": "sum", "of": [RIGHT] * 63}
    assert "at most 64 parts" in after(alice_client, wide, "add", pick="rewards/format")
    assert "at most 64" not in after(alice_client, wide, "remove", "of.3")
    deeper = {"kind": "combining", "name": "sum", "of": [tree]}
    assert alice_client.post(STEP, {"do": "up", "tree": json.dumps(deeper)}).status_code == 400


@pytest.mark.parametrize("at", ["of.9", "nonsense", "of.x", "of.-1", "of.0.of.0"])
def test_a_step_at_no_part_changes_nothing(alice_client: Client, at: str) -> None:
    for do in ("remove", "wrap", "unwrap", "up", "down", "out", "into", "place", "change", "add"):
        html = after(alice_client, GATE, do, at, pick="combining/sum", to="of.7", index="9999999")
        assert [one["name"] for one in tree_of(html)["of"]] == ["numeric_answer", "format"]


def test_no_label_breaks_out_of_the_formula(alice_client: Client) -> None:
    bad = '<img src=x onerror=alert(1)>\\mathrm{x}$&quot;"'
    tree = GATE | {"label": bad, "of": [RIGHT | {"label": bad}, RIGHT | {"label": "</math><script>"}]}
    html = after(alice_client, tree, "check")
    formula = html.split("<math")[1].split("</math>")[0]
    assert "img" in formula  # as letters
    assert "<img" not in html
    assert "<script" not in html
    assert "alert(" not in formula


def test_a_function_is_a_part_and_its_text_is_kept(alice_client: Client, alice: User, code: RewardVersion) -> None:
    html = after(alice_client, GATE, "add", pick=f"rewards/{code.reference}")
    assert tree_of(html)["of"][2] == {"kind": "rewards", "name": code.reference, "label": "long"}
    tree = Node("combining", "sum", of=(Node("rewards", code.reference, source="def reward(): stolen"),))
    version = rewards.create(code.reward.team, alice, "both", tree)
    assert version.tree is not None
    assert version.tree["of"][0]["source"] == LONG
    page = alice_client.get(f"/workshop/rewards/{version.reward_id}/").content.decode()
    assert "def reward" not in page.split("<main")[1].split('id="try"')[0]


def test_another_teams_function_is_no_part(charlie_client: Client, code: RewardVersion) -> None:
    tree = json.dumps({"kind": "rewards", "name": code.reference})
    assert f"no saved text of {code.reference}" in charlie_client.post(STEP, {"tree": tree}).content.decode()
    response = charlie_client.post(NEW, {"name": "x", "tree": tree})
    assert response.status_code == 422
    assert f"There is no saved text of {code.reference}" in response.content.decode()


def test_a_function_can_become_a_part_and_parts_a_function_again(alice_client: Client, code: RewardVersion) -> None:
    address = f"/workshop/rewards/{code.reward_id}/"
    assert tree_of(alice_client.get(f"{address}?as=parts").content.decode())["name"] == code.reference
    alice_client.post(address, {"tree": json.dumps({"kind": "rewards", "name": code.reference}), "base": "1"})
    assert [one.reference for one in code.reward.versions.order_by("number")] == [
        code.reference,
        f"tree:{code.reward_id}@2",
    ]
    assert "def reward(completions" in alice_client.get(f"{address}?as=python").content.decode()
    said = alice_client.post(address, {"tree": json.dumps({"kind": "rewards", "name": code.reference})})
    assert "These are the parts of version 2" in said.content.decode()
    history = alice_client.get(f"{address}history/").content.decode()
    assert "name: code:" in history
    assert alice_client.post(address, {"source": LONG}).status_code == 302
    assert code.reward.versions.count() == 3


def test_a_runs_samples_come_with_their_tokens(
    alice_client: Client, alice: User, team: Team, code: RewardVersion, quick_worker: QuickWorker
) -> None:
    """Both where parts show their values and where two versions are compared; the letters of "abc" are 3."""
    worker = quick_worker(judge)
    run = launch.create(team, alice, {"name": "r", "model": {"name": "starter"}}, "E")
    Rollout.objects.create(
        run=run, step=1, index=0, group=0, prompt_key="k", prompt="p", completion="abc", answer="2",
        end="finished", length=40, rewards={}, file="f",
    )  # fmt: skip
    samples = {"place": "run", "run": str(run.pk), "count": "8"}
    band = {"kind": "rewards", "name": "length_band", "params": {"shortest": 40, "room": 0, "fall": 0}}
    html = alice_client.post(VALUES, {"tree": json.dumps(band), **samples}).content.decode()
    assert worker.sent[-1][2][3] == {"lengths": [40], "own": "starter"}
    html = alice_client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()
    data = json.loads(html.split('id="values-data" type="application/json">')[1].split("</script>")[0])
    assert data["values"] == {"": [1.0]}
    chosen = {"a": code.reference, "b": code.reference, **samples}
    alice_client.post("/workshop/rewards/compare/", chosen)
    assert worker.sent[-1][2][3] == {"lengths": [40], "own": "starter"}


def test_values_come_for_every_part(alice_client: Client, quick_worker: QuickWorker) -> None:
    worker = quick_worker(judge)
    fields = {"tree": json.dumps(GATE | {"name": "sum"}), "place": "pasted", "pasted": SAMPLES}
    html = alice_client.post(VALUES, fields).content.decode()
    assert worker.sent[0][:2] == ("merit.judge", "quick")
    html = alice_client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()
    data = json.loads(html.split('id="values-data" type="application/json">')[1].split("</script>")[0])
    assert data["values"]["of.0"] == [1.0, 0.0]
    assert set(data["values"]) == {"", "of.0", "of.1"}
    assert html.count("data-sample=") == 2


def test_parts_that_are_ready_have_values_while_the_whole_is_not(
    alice_client: Client, quick_worker: QuickWorker
) -> None:
    worker = quick_worker(judge)
    tree = GATE | {"of": [{"kind": "combining", "name": "sum", "of": [RIGHT]}]}
    html = alice_client.post(VALUES, {"tree": json.dumps(tree), "place": "pasted", "pasted": SAMPLES}).content.decode()
    html = alice_client.get(html.split('hx-get="')[1].split('"')[0]).content.decode()
    data = json.loads(html.split('id="values-data" type="application/json">')[1].split("</script>")[0])
    assert data["values"] == {"of.0": [1.0, 0.0], "of.0.of.0": [1.0, 0.0]}
    empty = alice_client.post(VALUES, {"tree": "", "place": "pasted", "pasted": SAMPLES}).content.decode()
    assert "No part can be scored yet" in empty
    assert len(worker.sent) == 1


def test_viewers_read_and_outsiders_see_nothing(
    vera_client: Client, charlie_client: Client, team: Team, alice: User
) -> None:
    version = rewards.create(team, alice, "both", Node("combining", "sum", of=(Node("rewards", "format"),)))
    address = f"/workshop/rewards/{version.reward_id}/"
    html = vera_client.get(address).content.decode()
    assert html.count('role="treeitem"') == html.count(" disabled>\n    <input") == html.count('draggable="false"') == 2
    assert html.count("data-edit") == 2  # whoever reads may open a part
    assert "Save version" not in html
    assert "data-do=" not in html
    assert charlie_client.get(address).status_code == 404
    for path in (NEW, STEP, VALUES, f"{address}compare/", "/workshop/rewards/compare/"):
        assert vera_client.post(path, {"tree": json.dumps(GATE)}).status_code in (403, 405)
    assert charlie_client.get(f"{address}compare/").status_code == 404
    assert vera_client.get(f"{address}compare/").status_code == 403
