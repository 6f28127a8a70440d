"""Rewards put together from parts, as a run uses them."""

import pytest

from workers.contract.answers import FINISHED, Answers
from workers.contract.errors import RunError
from workers.contract.rewardnode import Node
from workers.contract.spec import RewardPick
from workers.engine.agreement import part_means
from workers.engine.judges import close_all, make_objectives
from workers.engine.scoring import Scored, score

RIGHT, SHORT = Node("rewards", "exact_answer"), Node("rewards", "brevity", {"full_until": 4, "zero_from": 8})
LENGTH = "def reward(completions):\n    return [float(len(text)) for text in completions]\n"
FAILS = "def reward(completions):\n    return [1.0 / len(text) for text in completions]\n"
DENSE = "def reward(completions):\n    return [[0.5] * 2 for _ in completions]\n"


def answers(*texts: str) -> Answers:
    count = len(texts)
    return Answers(texts, ("?",) * count, tuple(map(len, texts)), (FINISHED,) * count, {"answer": ("39",) * count})


def scored(tree: Node, texts: tuple[str, ...], on_failure: str = "skip") -> Scored:
    objectives = make_objectives([RewardPick("mine", "tree:1@1", tree=tree, on_failure=on_failure)])
    try:
        return score(objectives, answers(*texts), 1)
    finally:
        close_all(objectives)


def test_leaves_score_and_the_others_combine() -> None:
    code = Node("rewards", "code:1@1", source=LENGTH, label="letters")
    found = scored(Node("combining", "gate", of=(RIGHT, Node("combining", "sum", of=(code, SHORT)))), ("#39", "#41"))
    assert found.values["mine"][1] == 0.0
    assert found.parts["mine"]["letters"] == [3.0, 3.0]
    assert found.parts["mine"]["brevity"] == [1.0, 1.0]
    assert found.values["mine"][0] == 4.0
    assert set(found.parts["mine"]) == {"exact_answer", "sum", "letters", "brevity"}


def test_a_completion_on_which_any_part_fails_has_failed() -> None:
    tree = Node("combining", "sum", of=(RIGHT, Node("rewards", "code:1@1", source=FAILS)))
    found = scored(tree, ("#39", ""))
    assert found.values["mine"] == [1.0 + 1 / 3, None]
    assert "code:1@1" in found.troubles[0].data["what"]
    assert scored(tree, ("#39", ""), on_failure="zero").values["mine"] == [1.0 + 1 / 3, 0.0]
    with pytest.raises(RunError, match="asked to stop"):
        scored(tree, ("#39", ""), on_failure="stop")


def test_a_combination_that_cannot_be_is_the_rewards_fault() -> None:
    with pytest.raises(RunError, match="combining/clip: the lower bound 2 is above the upper one 1") as caught:
        scored(Node("combining", "clip", {"low": 2.0, "high": 1.0}, of=(RIGHT,)), ("#39",))
    assert caught.value.where == "reward"


def test_the_parts_of_a_part_stand_beside_it() -> None:
    source = "def reward(completions):\n    return {'long': [1.0] * len(completions), 'loud': [0.5, None]}"
    code = Node("rewards", "code:1@1", source=source, label="style")
    found = scored(Node("combining", "sum", of=(RIGHT, code)), ("#39", "#41"))
    assert found.parts["mine"]["style"] == [1.5, 1.0]
    assert found.parts["mine"]["style/long"] == [1.0, 1.0]
    assert part_means(found)["reward/mine/style/loud"] == 0.5


def test_what_is_dense_keeps_its_places() -> None:
    found = scored(Node("combining", "sum", of=(RIGHT, Node("rewards", "code:1@1", source=DENSE))), ("#39",))
    assert found.values["mine"] == [2.0]
    assert [(span.start, span.value) for span in found.spans["mine"][0]] == [(0, 0.5), (1, 0.5)]


def test_places_say_of_which_part_they_are() -> None:
    source = "def reward(completions):\n    return [{'a': {'step': 0, 'value': 1}, 'b': 2} for _ in completions]\n"
    leaves = (Node("rewards", "code:1@1", source=DENSE, label="dense"), Node("rewards", "code:2@1", source=source))
    halved = Node("combining", "scale", {"factor": 0.5}, of=(leaves[1],))
    found = scored(Node("combining", "sum", of=(leaves[0], halved)), ("#39",))
    spans = found.spans["mine"][0]
    assert [(span.part, span.value) for span in spans] == [("dense", 0.5), ("dense", 0.5), ("code:2@1/a", 0.5)]
    assert found.values["mine"] == [2.5]


def test_a_number_of_a_combination_may_follow_the_runs_steps() -> None:
    fading = {"start": 2.0, "end": 0.0, "share": 1.0}
    tree = Node("combining", "sum", of=(RIGHT, Node("combining", "scale", {"factor": fading}, of=(SHORT,))))
    objectives = make_objectives([RewardPick("mine", "tree:1@1", tree=tree)], steps=4)
    assert [score(objectives, answers("#39"), step).total for step in (0, 1, 2, 4)] == [[3.0], [3.0], [2.5], [1.5]]
    moved = Node("combining", "schedule", {"start": 2.0, "end": 0.0, "until": 1.0}, of=(SHORT,))
    objectives = make_objectives([RewardPick("mine", "tree:1@1", tree=moved)], steps=4)
    assert [score(objectives, answers("#39"), step).total for step in (1, 2, 4)] == [[2.0], [1.5], [0.5]]
