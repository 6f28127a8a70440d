"""Rewards put together from parts: as documents, as formulas, and what is refused."""

from dataclasses import replace

import pytest

from workers.contract.catalogue import read_catalogue
from workers.contract.rewardnode import Node
from workers.contract.rewardtree import DEEPEST, MOST, latex, tree_troubles
from workers.contract.spec import RewardPick, build

CATALOGUE = read_catalogue()
RIGHT, SHAPE = Node("rewards", "numeric_answer"), Node("rewards", "format", label="has the form")
BOTH = Node("combining", "sum", of=(RIGHT, SHAPE))
GATED = Node("combining", "gate", {"threshold": 0.5}, of=(SHAPE, BOTH))


def troubles(tree: Node) -> dict[str, str]:
    return {one.path: one.what for one in tree_troubles("tree", tree, CATALOGUE)}


def test_a_tree_is_read_from_its_document() -> None:
    document = {"kind": "combining", "name": "sum", "of": [{"kind": "rewards", "name": "brevity"}]}
    pick = build(RewardPick, {"label": "r", "name": "tree:1@1", "tree": document}, "")
    assert pick.tree == Node("combining", "sum", of=(Node("rewards", "brevity"),))
    assert [one.name for one in pick.picks()] == ["sum", "brevity"]


def test_nothing_is_wrong_with_a_sound_tree() -> None:
    assert troubles(GATED) == {}


def test_every_part_has_a_path_and_a_name_of_its_own() -> None:
    assert [path for path, _ in GATED.walk()] == ["", "of.0", "of.1", "of.1.of.0", "of.1.of.1"]
    assert list(GATED.labels().values()) == ["gate", "has the form", "sum", "numeric_answer", "has the form 2"]


def test_it_reads_as_one_formula() -> None:
    first, second = r"\mathrm{numeric\_answer}", r"\mathrm{has\ the\ form}"
    assert latex(BOTH, CATALOGUE) == f"r = {first} + {second}"
    gated = latex(GATED, CATALOGUE)
    assert (
        gated
        == rf"r = \mathbb{{1}}\left[{second} \ge 0.5\right] \cdot \left({first} + "
        + r"\mathrm{has\ the\ form\ 2}\right)"
    )


NAMED = [Node("rewards", "brevity", label=label) for label in "abc"]
ADDED = Node("combining", "sum", of=tuple(NAMED[:2]))


@pytest.mark.parametrize(
    ("name", "params", "of", "written"),
    [
        ("product", {}, (ADDED, NAMED[2]), r"\left(a + b\right) \cdot c"),
        ("minimum", {}, (ADDED, NAMED[2]), r"\min\left(a + b,\ c\right)"),
        ("maximum", {}, (NAMED[0],), r"\max\left(a\right)"),
        ("scale", {"factor": -0.5}, (ADDED,), r"-0.5 \cdot \left(a + b\right)"),
        ("scale", {"factor": {"start": 0, "end": 2, "share": 1}}, (NAMED[0],), r"\left[0 \to 2\right] \cdot a"),
        ("schedule", {"end": 0.25}, (NAMED[0],), r"\left[0 \to 0.25\right] \cdot a"),
        ("sum", {}, (NAMED[0], Node("combining", "scale", of=(NAMED[1],))), r"a + 0.5 \cdot b"),
        (
            "sum",
            {},
            (NAMED[0], Node("combining", "scale", {"factor": -2}, of=(NAMED[1],))),
            r"a + \left(-2 \cdot b\right)",
        ),
        ("clip", {"high": 3.0}, (ADDED,), r"\mathrm{clip}\left(a + b,\ 0,\ 3\right)"),
        ("centre", {}, (NAMED[0],), r"\mathrm{centre}\left(a\right)"),
    ],
)
def test_every_simple_combination_is_written_as_one_would(
    name: str, params: dict[str, object], of: tuple[Node, ...], written: str
) -> None:
    plain = latex(Node("combining", name, params, of=of), CATALOGUE)
    for letter in "abc":
        plain = plain.replace(rf"\mathrm{{{letter}}}", letter)
    assert plain == f"r = {written}"


@pytest.mark.parametrize(
    ("tree", "path", "words"),
    [
        (Node("rewards", "nobody"), "tree.name", "nobody"),
        (Node("combining", "gate", of=(RIGHT,)), "tree.of", "needs 2 parts, not 1"),
        (Node("combining", "sum"), "tree.of", "needs 1 or more parts, not 0"),
        (replace(BOTH, of=(replace(RIGHT, params={"huh": 1}),)), "tree.of.0.params.huh", "unknown"),
        (replace(RIGHT, of=(SHAPE,)), "tree.of", "no parts of its own"),
        (Node("credit", "grpo"), "tree.kind", "rewards or combining"),
        (replace(BOTH, of=(Node("rewards", "code:1@1", source="def f(:"),)), "tree.of.0.source", "line 1"),
        (Node("combining", "gate", {"threshold": "x"}, of=(RIGHT, SHAPE)), "tree.params.threshold", "number"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tree: Node, path: str, words: str) -> None:
    assert words in troubles(tree)[path]


def test_trees_without_end_are_refused() -> None:
    deep = RIGHT
    for _ in range(DEEPEST + 1):
        deep = Node("combining", "sum", of=(deep,))
    assert any("deep" in what for what in troubles(deep).values())
    assert f"at most {MOST} parts" in troubles(Node("combining", "sum", of=(RIGHT,) * MOST))["tree"]
