"""The prefix tree: by hand, against a brute force, and beside TEMPO's values."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.radix import Node, grow

FOUR = [list("ABC"), list("ABD"), list("AEF"), list("GHI")]
REWARDS = [1.0, 0.0, 1.0, 0.0]


def nodes(root: Node) -> list[Node]:
    return [root, *(node for child in root.children for node in nodes(child))]


def run_of(rows: list[list[str]], node: Node) -> str:
    return "".join(rows[node.rows[0]][node.start : node.end])


def test_four_completions_by_hand() -> None:
    """The catalogue's case: V(root) = 1/2, V(A) = 2/3, V(AB) = 1/2, V(ABC) = 1, V(AE) = 1, V(G) = 0."""
    root = grow(FOUR, REWARDS)
    seen = {run_of(FOUR, node): node for node in nodes(root)}
    assert root.mean == 0.5
    assert root.visits == 4
    assert seen["A"].mean == pytest.approx(2 / 3)
    assert seen["A"].visits == 3
    assert seen["A"].edge == pytest.approx(2 / 3 - 1 / 2)
    assert seen["B"].mean == 0.5
    assert seen["C"].mean == 1.0
    assert seen["D"].mean == 0.0
    assert (seen["EF"].mean, seen["EF"].start, seen["EF"].end) == (1.0, 1, 3), "a chain is one node"
    assert seen["GHI"].mean == 0.0
    assert seen["GHI"].edge == -0.5
    assert root.entropy == pytest.approx(-(3 / 4) * log(3 / 4) - (1 / 4) * log(1 / 4))


def test_a_completion_that_is_the_start_of_another_ends_inside_the_tree() -> None:
    root = grow([list("AB"), list("ABC"), list("AB")], [1.0, 0.0, None])
    (shared,) = root.children
    assert shared.ending == [0, 2]
    assert shared.visits == 3
    assert [child.rows for child in shared.children] == [[1]]
    assert shared.mean == 0.5, "a completion without a reward counts for none"
    assert shared.entropy == pytest.approx(-(2 / 3) * log(2 / 3) - (1 / 3) * log(1 / 3))


def test_nothing_and_only_empty_completions() -> None:
    assert grow([], []).children == []
    root = grow([[], []], [1.0, 0.0])
    assert root.ending == [0, 1]
    assert root.mean == 0.5
    assert root.entropy == 0


def test_rewards_must_match_rows() -> None:
    with pytest.raises(ValueError, match="1 rewards for 2 rows"):
        grow([[1], [2]], [0.0])


@given(st.lists(st.tuples(st.lists(st.integers(0, 2), max_size=6), st.floats(-1, 1)), min_size=1, max_size=9))
def test_values_are_means_over_rows_with_the_same_prefix(drawn: list[tuple[list[int], float]]) -> None:
    rows, rewards = [row for row, _ in drawn], [reward for _, reward in drawn]
    for node in nodes(grow(rows, rewards)):
        prefix = rows[node.rows[0]][: node.end]
        members = [index for index, row in enumerate(rows) if row[: node.end] == prefix]
        assert sorted(node.rows) == members
        assert node.mean == pytest.approx(sum(rewards[index] for index in members) / len(members))
        assert len(node.ending) + sum(child.visits for child in node.children) == node.visits
        assert len(node.children) + bool(node.ending) != 1 or node.ending or node.start == node.end == 0
