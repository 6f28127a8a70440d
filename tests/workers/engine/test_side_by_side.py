"""Two recipes beside one another on a stored batch, against plain loops over the rows."""

from dataclasses import replace

import pytest
import torch

from workers.contract.answers import FINISHED, Answers
from workers.contract.spec import Extra, Model, Pick, Prompts, RewardPick, RunSpec
from workers.engine.microscope import look
from workers.engine.side_by_side import side_by_side
from workers.engine.stored_credit import Stored
from workers.engine.tensors import Rollouts

LENGTHS = (3, 1, 2, 4)


@pytest.fixture
def stored() -> Stored:
    """Two groups of two completions of 3, 1, 2 and 4 tokens; the second token of the third is not the policy's."""
    mask_NT = torch.tensor([[t < length for t in range(4)] for length in LENGTHS])
    mask_NT[2, 1] = False
    rollouts = Rollouts(
        torch.zeros(4, 0, dtype=torch.long), torch.zeros(4, 0).bool(), torch.ones(4, 4, dtype=torch.long), mask_NT,
        torch.where(mask_NT, -1.0, 0.0), torch.tensor([0, 0, 1, 1]),
        Answers(("abc", "a", "ab", "abcd"), ("p", "p", "q", "q"), LENGTHS, (FINISHED,) * 4),
    )  # fmt: skip
    rewards = {"good": torch.tensor([1.0, 0.0, 0.5, 0.0])}
    return Stored(rollouts, rewards, [list("abcd"[:length]) for length in LENGTHS])


def recipe(reduction: str) -> RunSpec:
    """REINFORCE with leave-one-out credit."""
    return RunSpec(
        name="r", model=Model(), prompts=Prompts(task=Pick("tasks", "arithmetic")),
        rewards=(RewardPick("good", "exact_answer"),),
        credit=Pick("credit", "rloo"), objective=Pick("objectives", "policy_gradient"),
        reduction=Pick("reductions", reduction),
    )  # fmt: skip


def test_it_works(stored: Stored) -> None:
    """By hand: leave-one-out gives ±1 in the first group and ±0.5 in the second; the token mean weighs each of the 9
    tokens alike, the sequence mean gives each completion a quarter of all: 9 / (4 × its tokens)."""
    made = side_by_side(stored, [recipe("token_mean"), recipe("sequence_mean")], 1, 32)
    assert (made["count"], made["tokens"]) == (4, 9)
    tokens, sequences = made["recipes"]
    order = [row["index"] for row in made["rows"]]
    by_index = {index: place for place, index in enumerate(order)}
    assert tokens["weight"][by_index[0]] == [1.0, 1.0, 1.0]
    assert tokens["weight"][by_index[2]] == [0.5, 0.0]
    assert sequences["weight"][by_index[0]] == pytest.approx([0.75] * 3)
    assert sequences["weight"][by_index[1]] == pytest.approx([-2.25])
    assert made["difference"][by_index[1]] == pytest.approx([1.25])
    assert tokens["sums"] == pytest.approx({"up": 3.5, "down": -3.0, "still": 0.0})
    assert made["rows"][by_index[2]]["mask"] == [True, False]
    assert made["rows"][by_index[3]]["pieces"] == list("abcd")


def test_the_rows_that_differ_most_come_first(stored: Stored) -> None:
    one, other = recipe("token_mean"), recipe("sequence_mean")
    made = side_by_side(stored, [one, other], 1, 2)
    difference_NT = look(stored, one).weight_NT - look(stored, other).weight_NT
    size = [sum(abs(float(value)) for value in row) for row in difference_NT]
    assert [row["index"] for row in made["rows"]] == sorted(range(4), key=lambda n: -size[n])[:2]
    assert made["count"] == 4, "the sums are those of the whole batch"


def test_one_that_the_batch_is_not_enough_for_does_not_hide_the_other(stored: Stored) -> None:
    pairs = RunSpec(**{**vars(recipe("token_mean")), "objective": Pick("preferences", "dpo")})
    made = side_by_side(stored, [recipe("token_mean"), pairs], 1, 32)
    assert made["recipes"][1]["error"] == (
        "preferences/dpo learns from pairs; a stored batch of single completions has none. "
        "Choose a recipe with an objective."
    )
    assert made["difference"] is None
    assert made["recipes"][0]["error"] == ""
    assert len(made["recipes"][0]["weight"]) == 4


def test_one_alone_and_none(stored: Stored) -> None:
    alone = side_by_side(stored, [recipe("token_mean")], 1, 32)
    assert alone["rows"][0]["index"] == 0
    assert alone["difference"] is None
    assert side_by_side(stored, [], 1, 32)["recipes"] == []


def test_weights_of_one_mean_size_show_where_and_not_how_hard(stored: Stored) -> None:
    """Twice the loss is the same recipe then; the sequence mean is not."""
    one, other = recipe("token_mean"), recipe("sequence_mean")
    twice = replace(one, extras=(Extra("policy_gradient", weight=1.0),))
    same = side_by_side(stored, [one, twice], 1, 32, even=True)
    assert all(value == pytest.approx(0, abs=1e-6) for row in same["difference"] for value in row)
    made = side_by_side(stored, [one, other], 1, 32, even=True)
    for each in made["recipes"]:
        assert each["sums"]["up"] - each["sums"]["down"] == pytest.approx(made["tokens"])
    assert made["difference"] != side_by_side(stored, [one, other], 1, 32)["difference"]
