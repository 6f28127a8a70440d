"""The steps by which a tree of parts is edited, by hand on one small tree: sum(a, gate(b, c), d)."""

import pytest

from labapp.workshop import treesteps
from workers.contract.rewardnode import Node


def leaf(name: str) -> Node:
    return Node("rewards", name)


def inner(name: str, *of: Node) -> Node:
    return Node("combining", name, of=of)


TREE = inner("sum", leaf("a"), inner("gate", leaf("b"), leaf("c")), leaf("d"))


def written(tree: Node | None) -> str:
    """A tree as `sum(a,gate(b,c))`."""
    if tree is None:
        return ""
    return tree.name + (f"({','.join(map(written, tree.of))})" if tree.of else "")


@pytest.mark.parametrize(
    ("path", "wanted", "at"),
    [
        ("of.1", "sum(a,gate(b,c,x),d)", "of.1.of.2"),
        ("of.0", "sum(a,x,gate(b,c),d)", "of.1"),
        ("of.1.of.0", "sum(a,gate(b,x,c),d)", "of.1.of.1"),
        ("", "sum(a,gate(b,c),d,x)", "of.3"),
        ("of.7", "sum(a,gate(b,c),d)", ""),
    ],
)
def test_a_part_joins_a_combination_or_stands_after_a_leaf(path: str, wanted: str, at: str) -> None:
    made, focus = treesteps.add(TREE, path, leaf("x"), "sum")
    assert (written(made), focus) == (wanted, at)


def test_the_first_part_is_the_tree_and_the_second_is_joined_with_it() -> None:
    first, at = treesteps.add(None, "", leaf("x"), "sum")
    assert (written(first), at) == ("x", "")
    second, at = treesteps.add(first, "", leaf("y"), "sum")
    assert (written(second), at) == ("sum(x,y)", "of.1")


@pytest.mark.parametrize(
    ("path", "wanted", "at"),
    [
        ("of.0", "sum(gate(b,c),d)", "of.0"),
        ("of.2", "sum(a,gate(b,c))", "of.1"),
        ("of.1.of.1", "sum(a,gate(b),d)", "of.1.of.0"),
        ("", "", ""),
    ],
)
def test_what_is_removed_leaves_its_neighbour_to_look_at(path: str, wanted: str, at: str) -> None:
    made, focus = treesteps.remove(TREE, path)
    assert (written(made), focus) == (wanted, at)


def test_the_last_part_of_a_combination_leaves_the_combination() -> None:
    made, focus = treesteps.remove(inner("sum", leaf("a")), "of.0")
    assert (written(made), focus) == ("sum", "")


def test_wrapping_and_unwrapping_undo_each_other() -> None:
    wrapped, at = treesteps.wrap(TREE, "of.1", "clip")
    assert (written(wrapped), at) == ("sum(a,clip(gate(b,c)),d)", "of.1")
    assert treesteps.unwrap(wrapped, "of.1") == (TREE, "of.1")
    assert written(treesteps.unwrap(TREE, "of.1")[0]) == "sum(a,b,c,d)"
    assert treesteps.unwrap(TREE, "")[0] == TREE  # its three parts cannot all be the root
    assert treesteps.unwrap(inner("clip", leaf("a")), "") == (leaf("a"), "")
    assert treesteps.unwrap(TREE, "of.0") == (TREE, "of.0")  # a leaf holds nothing


@pytest.mark.parametrize(
    ("step", "path", "wanted", "at"),
    [
        ("up", "of.1", "sum(gate(b,c),a,d)", "of.0"),
        ("up", "of.0", "sum(a,gate(b,c),d)", "of.0"),
        ("down", "of.1", "sum(a,d,gate(b,c))", "of.2"),
        ("down", "of.2", "sum(a,gate(b,c),d)", "of.2"),
        ("down", "", "sum(a,gate(b,c),d)", ""),
        ("out", "of.1.of.0", "sum(a,gate(c),b,d)", "of.2"),
        ("out", "of.1", "sum(a,gate(b,c),d)", "of.1"),
        ("into", "of.2", "sum(a,gate(b,c,d))", "of.1.of.2"),
        ("into", "of.1", "sum(a,gate(b,c),d)", "of.1"),  # what stands before it is a leaf
        ("into", "of.0", "sum(a,gate(b,c),d)", "of.0"),
    ],
)
def test_moves(step: str, path: str, wanted: str, at: str) -> None:
    made, focus = getattr(treesteps, step)(TREE, path)
    assert (written(made), focus) == (wanted, at)


@pytest.mark.parametrize(
    ("path", "parent", "index", "wanted", "at"),
    [
        ("of.0", "of.1", 1, "sum(gate(b,a,c),d)", "of.0.of.1"),  # the gate moves up as a is taken out before it
        ("of.2", "of.1", 0, "sum(a,gate(d,b,c))", "of.1.of.0"),
        ("of.1.of.1", "", 0, "sum(c,a,gate(b),d)", "of.0"),
        ("of.0", "", 2, "sum(gate(b,c),d,a)", "of.2"),
        ("of.0", "", 99, "sum(gate(b,c),d,a)", "of.2"),
        ("of.1", "of.1", 0, "sum(a,gate(b,c),d)", "of.1"),  # not into itself
        ("of.1", "of.1.of.0", 0, "sum(a,gate(b,c),d)", "of.1"),
        ("of.0", "of.2", 0, "sum(a,gate(b,c),d)", "of.0"),  # not into a leaf
        ("", "of.1", 0, "sum(a,gate(b,c),d)", ""),
    ],
)
def test_a_part_is_placed_where_it_is_dropped(path: str, parent: str, index: int, wanted: str, at: str) -> None:
    made, focus = treesteps.place(TREE, path, parent, index)
    assert (written(made), focus) == (wanted, at)


def test_another_method_keeps_the_parts_and_starts_at_its_defaults() -> None:
    tree = Node("combining", "gate", {"threshold": 0.5}, label="only if", of=(leaf("a"), leaf("b")))
    made, _ = treesteps.exchange(tree, "", "minimum")
    assert made == inner("minimum", leaf("a"), leaf("b"))


@pytest.mark.parametrize("path", ["of", "of.x", "0", "of.0.at.1", "of.-1", "of.3"])
def test_what_is_no_place_has_no_part(path: str) -> None:
    assert treesteps.part_at(TREE, path) is None
