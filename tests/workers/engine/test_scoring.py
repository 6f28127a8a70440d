"""Rewards as the engine takes them: cells that fail, values that are none, and users' code in its child."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.spec import RewardPick
from workers.contract.values import Values
from workers.engine import judges
from workers.engine.judges import Objective, close_all, make_objectives
from workers.engine.scoring import score
from workers.rewards import format as formats

ANSWERS = Answers(
    ("good", "bad", "ugly"), ("p", "p", "q"), (4, 3, 4), ("finished",) * 3, {"answer": ("good", "x", "x")}
)


def objective(values: Any, label: str = "mine", weight: float = 1.0, faults: dict[int, str] | None = None) -> Objective:
    return Objective(label, weight, (0.0, 1.0), lambda answers, step: Values(values, faults=faults or {}), lambda: None)


def test_the_weighted_sum_is_over_the_valid_ones() -> None:
    first, second = objective([1.0, None, None], "a", 2.0), objective([0.5, 0.25, None], "b", -1.0)
    scored = score([first, second], ANSWERS, 3)
    assert scored.values == {"a": [1.0, None, None], "b": [0.5, 0.25, None]}
    assert scored.total == [1.5, -0.25, None]
    assert scored.troubles == []


def test_a_reward_without_weight_makes_no_zero_of_what_the_others_fail_on() -> None:
    shown, learned = objective([1.0, 0.5, None], "shown", 0.0), objective([2.0, None, 3.0], "learned")
    assert score([shown, learned], ANSWERS, 3).total == [2.0, None, 3.0]
    assert score([shown, replace(learned, weight=0.0)], ANSWERS, 3).total == [0.0, 0.0, 0.0]


def test_a_completion_that_a_counted_reward_fails_on_has_no_total() -> None:
    """What does not apply is left out of the sum; what failed might have been anything."""
    other, given = objective([1.0, 1.0, 1.0], "other"), Values([2.0, None, None], faults={1: "busy"})
    failing = replace(objective([], "failing"), judge=lambda answers, step: given)
    made = score([other, failing], ANSWERS, 3)
    assert made.total == [3.0, None, 1.0]
    assert made.out == {1}
    assert "have no value for this reward and are not learned from" in made.troubles[0].data["mend"]
    assert score([other, replace(failing, on_failure="zero")], ANSWERS, 3).total == [3.0, 1.0, 1.0]
    assert score([other, replace(failing, weight=0.0)], ANSWERS, 3).total == [1.0, 1.0, 1.0]
    assert made.rows([2, 1]).out == {1}
    assert made.joined(made).out == {1, 4}


def test_the_table_keeps_objectives_apart_on_the_last_chosen_token() -> None:
    objectives = [objective([1.0, None, 0.5], "a"), objective([2.0, 3.0, 4.0], "b")]
    mask_NT = torch.tensor([[True, True, False], [True, False, False], [True, False, True]])
    table = score(objectives, ANSWERS, 1).table(objectives, mask_NT)
    assert table.names == ("a", "b")
    assert table.valid_NK.tolist() == [[True, True], [False, True], [True, True]]
    assert table.value_NTK[:, :, 1].tolist() == [[0, 2, 0], [3, 0, 0], [0, 0, 4]]
    assert table.value_NTK[:, :, 0].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0.5]]


def test_some_failures_are_troubles_and_all_failures_end_the_run() -> None:
    scored = score([objective([1.0, None, 0.0], faults={1: "no such luck"})], ANSWERS, 7)
    (trouble,) = scored.troubles
    assert (trouble.step, trouble.data["where"]) == (7, "reward")
    assert "1 of 3 completions: no such luck" in trouble.data["what"]
    assert trouble.data["evidence"]["completion"] == "bad"
    everything = objective([None] * 3, faults={0: "x", 1: "y", 2: "z"})
    with pytest.raises(RunError, match="failed on all 3 completions: x"):
        score([everything], ANSWERS, 7)
    assert score([everything], ANSWERS, 7, part=True).total == [None] * 3


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([1.0, 2.0], "gave 2 values for 3 completions"),
        (1.0, "gave 1.0, no list, values for 3 completions"),
        ([0.0, float("nan"), 0.0], "gave nan, which is no finite number"),
        ([0.0, float("inf"), 0.0], "gave inf"),
        ([0.0, 1e39, 0.0], "gave 1e[+]39, which is no finite number"),  # nor is it in the precision that learns
        ([0.0, 10**400, 0.0], "gave 10+, which is no finite number"),
        ([0.0, "1", 0.0], "gave '1'"),
    ],
)
def test_what_is_no_number_ends_the_run_with_the_sample(values: Any, what: str) -> None:
    with pytest.raises(RunError, match=what) as caught:
        score([objective(values)], ANSWERS, 5)
    assert caught.value.where == "reward"
    assert caught.value.evidence["step"] == 5
    assert caught.value.evidence["label"] == "mine"
    assert "values" in what or caught.value.evidence["completion"] == "bad"


def test_a_missing_column_is_said_by_name() -> None:
    without = Answers(("a",), ("p",), (1,), ("finished",))
    with pytest.raises(RunError, match="asks for the column 'answer'"):
        score(make_objectives([RewardPick("right", "exact_answer")]), without, 1)


def code(body: str) -> Callable[[Answers], Any]:
    def run(answers: Answers) -> Any:
        objectives = make_objectives([RewardPick("mine", "code:1@1", source=body)])
        try:
            return score(objectives, answers, 2)
        finally:
            close_all(objectives)

    return run


def test_users_code_scores_and_fails_on_single_answers() -> None:
    scored = code(
        "def reward(completions, answer, **rest):\n  return [float(c == a) for c, a in zip(completions, answer)]\n"
    )
    assert scored(ANSWERS).values == {"mine": [1.0, 0.0, 0.0]}
    fussy = code("def reward(completions, **rest):\n  return [1 / (c != 'bad') for c in completions]\n")(ANSWERS)
    assert fussy.values == {"mine": [1.0, None, 1.0]}
    assert "1 of 3" in fussy.troubles[0].data["what"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("def reward(completions, **rest):\n  return [0.0]\n", "gave 1 values for 3"),
        ("def reward(completions, **rest):\n  return [float('nan')] * len(completions)\n", "cannot be used"),
        ("def reward(completions, **rest)\n", "line 1"),
        ("def reward(completions, **rest):\n  raise OSError('out')\n", "failed on all 3"),
    ],
)
def test_users_code_that_cannot_be_used_ends_the_run(body: str, what: str) -> None:
    with pytest.raises(RunError, match=what) as caught:
        code(body)(ANSWERS)
    assert caught.value.where == "reward"


def test_a_pattern_that_explodes_on_everything_is_not_tried_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try takes a tenth of a second here, and fails; after two tenths the rest are lost with its words, but for
    what is sound before them."""
    monkeypatch.setattr(formats, "SECONDS", 0.1)
    monkeypatch.setattr(judges, "FAILING", 0.15)
    texts = ("a", *["a" * 60 + "c"] * 40)
    answers = Answers(texts, ("p",) * 41, (1,) * 41, ("finished",) * 41)
    (hopeless,) = make_objectives([RewardPick("mine", "format", {"pattern": "(a|aa)+"})])
    began = time.monotonic()
    found = hopeless.judge(answers, 1)
    assert time.monotonic() - began < 2
    assert list(found.total) == [1.0] + [None] * 40
    assert "takes more than" in found.faults[1]
    assert not found.faults[1].endswith("not tried alone")
    assert found.faults[40].endswith("not tried alone")
    assert found.faults[40].count("not tried") == 1
