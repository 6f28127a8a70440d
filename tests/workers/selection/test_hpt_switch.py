"""HPT's switch: the gates of the catalogue, what is dropped, and what prompts without a demonstration keep."""

import pytest

from tests.workers.chosen import candidates, select, settle
from workers.engine.tensors import Candidates, Wish


def eight(solved: list[int], demonstrations: list[str | None] | None = None) -> Candidates:
    """A group of eight for each number, so many of which are right."""
    rewards = [float(place < count) for count in solved for place in range(8)]
    numbers = [group for group in range(len(solved)) for _ in range(8)]
    texts = demonstrations or [f"shown {group}" for group in range(len(solved))]
    return candidates(rewards, numbers, columns={"demonstration": tuple(texts[group] for group in numbers)})


def good(_: Wish) -> float:
    return 1.0


def groups_of(made: Candidates, params: dict[str, object]) -> dict[int, list[int]]:
    """The tags of what is learned from, by group."""
    rows, decided = settle("hpt_switch", made, params, good)
    assert decided.weight_N is not None
    kept: dict[int, list[int]] = {}
    for group, tag, weight in zip(rows.rollouts.group_N.tolist(), rows.tag_N.tolist(), decided.weight_N, strict=True):
        if weight:
            kept.setdefault(group, []).append(tag)
    return kept


@pytest.mark.parametrize(("gate", "imitated"), [(0, {0}), (2, {0, 1, 2})])
def test_the_catalogues_gates(gate: int, imitated: set[int]) -> None:
    kept = groups_of(eight(list(range(9))), {"switch_gate": gate})
    for solved in range(9):
        assert kept[solved] == ([0] if solved in imitated else [-1] * 8)


def test_between_the_gates_the_demonstration_is_off_policy() -> None:
    kept = groups_of(eight([0, 1, 2, 3, 4]), {"switch_gate": 1, "switch_gate_off": 3})
    assert kept == {0: [0], 1: [0], 2: [1], 3: [1], 4: [-1] * 8}
    assert groups_of(eight([0, 1, 2]), {"switch_gate": 1, "switch_gate_off": 1}) == {0: [0], 1: [0], 2: [-1] * 8}


def test_the_wish_gives_the_text_under_the_same_prompt() -> None:
    (wish,) = select("hpt_switch", candidates=eight([3, 0])).wishes
    assert (wish.group, wish.text, wish.tag, wish.prompt, wish.copy) == (1, "shown 1", 0, None, -1)


def test_a_demonstration_that_earns_nothing_is_not_asked_for_again() -> None:
    """Its reward does not count as a success of the model either."""
    rows, decided = settle("hpt_switch", eight([0, 5]), {}, lambda _: 0.0)
    assert len(rows.reward_N) == 17
    assert decided.weight_N is not None
    assert decided.weight_N.tolist() == [0] * 8 + [1] * 8 + [1]


def test_prompts_without_a_demonstration_keep_their_completions() -> None:
    assert groups_of(eight([0, 0], [None, "shown 1"]), {}) == {0: [-1] * 8, 1: [0]}


def test_all_solved_asks_for_nothing() -> None:
    made = select("hpt_switch", candidates=eight([1, 8]))
    assert made.wishes == ()
    assert made.weight_N is not None
    assert made.weight_N.tolist() == [1] * 16


def test_shares() -> None:
    """Two of four prompts are shown: 2 demonstrations and 16 completions are learned from."""
    _, decided = settle("hpt_switch", eight([0, 4, 1, 8]), {"switch_gate_off": 1}, good)
    assert decided.statistics == {"imitated": 0.25, "off policy": 0.25, "offline data": 2 / 18}


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="'solution', but the prompts have: demonstration"):
        select("hpt_switch", {"column": "solution"}, candidates=eight([0]))
