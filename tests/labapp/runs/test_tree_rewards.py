"""A reward from parts in a run: through the form, JSON and YAML, checked against what the team saved, as a formula."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs.digests import with_digests
from labapp.runs.fields import parse
from labapp.runs.filling import fill, refreshed
from labapp.runs.form_data import with_row
from labapp.runs.formulas import formulas
from labapp.runs.guided import guided
from labapp.runs.mending import with_fix
from labapp.runs.needs import columns, wants_verdict
from labapp.runs.prechecks import troubles
from labapp.workshop import rewards
from labapp.workshop.models import RewardVersion
from labapp.workshop.saved import saved_rewards, texts_of
from workers import documents
from workers.contract.rewardnode import Node
from workers.contract.spec import RewardPick, RunSpec

CATALOGUE = shelf.catalogue()
LONG = "def reward(completions, level, **columns):\n    return [float(len(text)) for text in completions]\n"
TREE = Node(
    "combining",
    "gate",
    {"threshold": 0.5},
    of=(Node("rewards", "numeric_answer"), Node("rewards", "brevity", label="b")),
)
NEW = "/runs/new/"


def with_tree(tree: Node | None, name: str = "tree:7@1", on_failure: str = "skip") -> RunSpec:
    """The guided run with one reward, from parts."""
    return replace(guided(CATALOGUE), rewards=(RewardPick("mine", name, tree=tree, on_failure=on_failure),))


@pytest.fixture
def saved(team: Team, alice: User) -> RewardVersion:
    """A saved tree."""
    return rewards.create(team, alice, "gated", TREE)


def test_it_works(alice_client: Client, saved: RewardVersion) -> None:
    html = alice_client.get(f"{NEW}?reward={saved.reference}").content.decode()
    assert f'<option value="{saved.reference}" selected>gated · version 1</option>' in html
    assert 'value="gated"' in html
    assert "Reward · gated" in html
    assert "rewards.0.name" in html
    assert "rewards.1.name" not in html  # it stands alone


def test_the_form_loses_nothing() -> None:
    spec = with_tree(TREE, on_failure="zero")
    assert parse(fill(spec, CATALOGUE, "E"), CATALOGUE, {}).spec == spec
    assert documents.read(documents.as_yaml(spec)) == spec
    assert documents.read(documents.as_json(spec)) == spec
    documents.require_known(spec, CATALOGUE, documents.as_yaml(spec))


def test_a_chosen_tree_comes_with_its_parts(team: Team, saved: RewardVersion) -> None:
    texts = texts_of(saved_rewards(team))
    data = refreshed(
        with_row(fill(guided(CATALOGUE), CATALOGUE, "E"), "rewards", saved.reference, "t"), CATALOGUE, texts
    )
    spec = parse(data, CATALOGUE, texts).spec
    assert spec.rewards[-1].tree == TREE
    assert troubles(spec, CATALOGUE, team) == []
    data["rewards.0.name"] = saved.reference  # in the place of a method
    assert parse(refreshed(data, CATALOGUE, texts), CATALOGUE, texts).spec.rewards[0].tree == TREE
    broken = data | {f"rewards.{len(spec.rewards) - 1}.tree": "{"}
    assert [one.path for one in parse(broken, CATALOGUE, texts).wrong] == [f"rewards.{len(spec.rewards) - 1}.tree"]


def test_parts_other_than_those_saved_are_told_and_mended(team: Team, saved: RewardVersion) -> None:
    other = replace(TREE, params={})
    spec = with_tree(other, saved.reference)
    found = troubles(spec, CATALOGUE, team)
    assert [one.path for one in found] == ["rewards.0.tree"]
    mended = with_fix(fill(spec, CATALOGUE), found[0].fix, CATALOGUE)
    assert parse(mended, CATALOGUE, {}).spec.rewards[0].tree == TREE
    lost = troubles(with_tree(None, "tree:99@1"), CATALOGUE, team)
    assert "there is no saved reward tree:99@1" in lost[0].what


def test_the_text_of_a_function_within_is_the_saved_one(team: Team, alice: User) -> None:
    code = rewards.create(team, alice, "long", LONG)
    tree = Node("combining", "sum", of=(Node("rewards", code.reference, source=f"{LONG}# not this\n"),))
    found = troubles(with_tree(tree), CATALOGUE, team)
    assert [one.path for one in found] == ["rewards.0.tree.of.0.source"]
    mended = with_fix(fill(with_tree(tree), CATALOGUE), found[0].fix, CATALOGUE)
    made = parse(mended, CATALOGUE, {}).spec.rewards[0].tree
    assert made is not None
    assert made.of[0].source == LONG


def test_a_part_that_was_changed_since_is_taken_as_it_is_now(team: Team) -> None:
    old = replace(TREE, of=(replace(TREE.of[0], digest="0" * 12), TREE.of[1]))
    spec = with_tree(old)
    found = troubles(spec, CATALOGUE, team)
    assert [one.path for one in found] == ["rewards.0.tree.of.0.digest"]
    made = parse(with_fix(fill(spec, CATALOGUE), found[0].fix, CATALOGUE), CATALOGUE, {}).spec
    assert troubles(made, CATALOGUE, team) == []


def test_a_run_records_which_text_of_each_part_it_used() -> None:
    tree = with_digests(with_tree(TREE), CATALOGUE).rewards[0].tree
    assert tree is not None
    assert [node.digest for _, node in tree.walk()] == [
        CATALOGUE.get(kind, name).digest
        for kind, name in (("combining", "gate"), ("rewards", "numeric_answer"), ("rewards", "brevity"))
    ]


def test_columns_and_verdicts_that_its_parts_read() -> None:
    tree = Node(
        "combining", "sum", of=(*TREE.of, Node("rewards", "code:1@1", source=LONG), Node("rewards", "verified"))
    )
    assert columns(RewardPick("x", "tree:1@1", tree=tree), CATALOGUE) >= {"answer", "level"}
    assert wants_verdict(RewardPick("x", "tree:1@1", tree=tree), CATALOGUE)
    assert not wants_verdict(RewardPick("x", "tree:1@1", tree=TREE), CATALOGUE)


def test_its_formula_stands_among_the_runs_formulas() -> None:
    second = formulas(with_tree(TREE), CATALOGUE)[1]
    assert second["title"] == "Reward · mine"
    assert "numeric_answer" in second["math"]
    assert "0.5" in second["math"]
    strange = replace(TREE, params={"threshold": {"begin": 1}}, label="<b>")
    assert "<b>" not in formulas(with_tree(strange), CATALOGUE)[1]["math"]


@pytest.mark.parametrize("tree", [replace(TREE, name="nothing"), replace(TREE, params={"huh": 1})])
def test_a_pasted_document_says_what_is_unknown(tree: Node) -> None:
    spec = with_tree(tree)
    with pytest.raises(documents.DocumentError, match=r"rewards\.0\.tree"):
        documents.require_known(spec, CATALOGUE, documents.as_yaml(spec))
