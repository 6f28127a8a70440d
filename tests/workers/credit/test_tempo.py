"""TEMPO: every check of the catalogue with its tolerance, a plain loop from the definition, holes."""

import random

import pytest
import torch
from torch import Tensor

from tests.workers.stage import Stage, run_credit, stage
from tests.workers.worked import outcome, rollouts

CASE = ["ABC", "ABD", "AEF", "GHI"]
REWARDS = [1.0, 0.0, 1.0, 0.0]


def tempo(made: Stage, rewards: list[float], **params: object) -> Tensor:
    return run_credit("tempo", made, params, reward_NT=outcome(made, rewards)).advantage_NT


def grpo(made: Stage, rewards: list[float], **params: object) -> Tensor:
    return run_credit("grpo", made, params, reward_NT=outcome(made, rewards)).advantage_NT


def jumps(made: Stage, rewards: list[float]) -> Tensor:
    """TD_i,t: what it adds to group-mean credit."""
    return tempo(made, rewards, norm="none") - grpo(made, rewards, norm="none")


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (
            "none",
            [
                [0.666667, 0.333333, 1.000000],
                [-0.333333, -0.666667, -1.000000],
                [0.666667, 0.833333, 0.500000],
                [-1.000000, -0.500000, -0.500000],
            ],
        ),
        (
            "std",
            [
                [1.154699, 0.577349, 1.732048],
                [-0.577349, -1.154699, -1.732048],
                [1.154699, 1.443373, 0.866024],
                [-1.732048, -0.866024, -0.866024],
            ],
        ),
    ],
)
def test_the_catalogues_case(norm: str, expected: list[list[float]]) -> None:
    """Responses ABC, ABD, AEF, GHI with rewards 1, 0, 1, 0."""
    found = tempo(rollouts(CASE), REWARDS, norm=norm)
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_values_of_the_catalogues_case() -> None:
    """V(root) 0.5, V(A) 2/3, V(AB) 0.5, V(ABC) 1, V(AE) 1, V(G) 0: the jumps along each path."""
    found = jumps(rollouts(CASE), REWARDS)
    third = 1 / 3
    expected = [[1 / 6, -1 / 6, 0.5], [1 / 6, -1 / 6, -0.5], [1 / 6, third, 0.0], [-0.5, 0.0, 0.0]]
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-6, rtol=0)


def test_no_shared_first_token_doubles_the_first_advantage_only() -> None:
    """Nobody shares a first token: the jump stands on token 1 and is the reward less the mean."""
    made = rollouts(["AXX", "BXX", "CXX", "DX"])
    found, plain = tempo(made, [1, 0, 0.5, 0.2]), grpo(made, [1, 0, 0.5, 0.2])
    torch.testing.assert_close(found[:, 0], 2 * plain[:, 0], atol=1e-6, rtol=0)
    assert torch.equal(found[:, 1:], plain[:, 1:])


def test_where_all_take_the_same_token_it_is_grpo_exactly() -> None:
    """Three share AB and part at the third token: two columns are bitwise those of grpo."""
    made, rewards = rollouts(["ABC", "ABD", "ABE"]), [0.1, 0.7, 0.3]
    found, plain = tempo(made, rewards), grpo(made, rewards)
    assert torch.equal(found[:, :2], plain[:, :2])
    assert (found[:, 2] != plain[:, 2]).all()


def test_jumps_along_a_row_sum_to_the_value_of_its_leaf() -> None:
    """Telescoping: unique leaves sum to reward less mean, duplicates to their mean reward less mean."""
    made, rewards = rollouts([*CASE, "ABC"]), [1.0, 0.0, 1.0, 0.0, 0.0]
    mean = sum(rewards) / 5
    expected = torch.tensor([0.5 - mean, 0 - mean, 1 - mean, 0 - mean, 0.5 - mean])
    torch.testing.assert_close(jumps(made, rewards).sum(1), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("reward", [0.0, 0.1, 1.0])
def test_equal_rewards_owe_nothing(reward: float) -> None:
    assert (tempo(rollouts(CASE), [reward] * 4) == 0).all()


def test_permuting_the_group_permutes_the_rows() -> None:
    order = [2, 0, 3, 1]
    found = tempo(rollouts([CASE[row] for row in order]), [REWARDS[row] for row in order])
    torch.testing.assert_close(found, tempo(rollouts(CASE), REWARDS)[order], atol=1e-6, rtol=0)


@pytest.mark.parametrize("norm", ["std", "none"])
def test_without_weight_it_is_grpo(norm: str) -> None:
    """The identity with its relative, on the awkward batch."""
    made = stage()
    found = run_credit("tempo", made, {"td_weight": 0.0, "norm": norm}).advantage_NT
    assert torch.equal(found, run_credit("grpo", made, {"norm": norm}).advantage_NT)


def test_a_group_of_one_owes_nothing() -> None:
    assert (tempo(rollouts(["ABC", "ABD", "X"], [0, 0, 1]), [1, 0, 1])[2] == 0).all()


def test_a_shorter_response_leaves_the_path() -> None:
    """AB (reward 0) ends where ABC (reward 1) goes on: C jumps from 0.5 to 1."""
    found = jumps(rollouts(["AB", "ABC"]), [0.0, 1.0])
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]))


def test_padding_is_no_tool_answer() -> None:
    """A (reward 0) has ended; its padding happens to be the token that a tool gave to the others, and joins nobody."""
    made = rollouts(["AtBC", "AtBD", "A"], holes=[[1], [1], []])
    made.rollouts.token_NT[2, 1:] = ord("t")
    found = jumps(made, [1.0, 0.0, 0.0])
    torch.testing.assert_close(found, torch.tensor([[0, 0, 0, 0.5], [0, 0, 0, -0.5], [0, 0, 0, 0]]))


def test_foreign_tokens_belong_to_the_path_and_earn_nothing() -> None:
    """A tool's answer in a hole parts two rows: later tokens share nothing; the hole is owed nothing."""
    same = rollouts(["AtBC", "AtBD"], holes=[[1], [1]])
    parted = rollouts(["AtBC", "AuBD"], holes=[[1], [1]])
    torch.testing.assert_close(jumps(same, [1, 0]), torch.tensor([[0, 0, 0, 0.5], [0, 0, 0, -0.5]]))
    assert (jumps(parted, [1, 0]) == 0).all()


def test_a_token_that_was_chosen_is_not_one_that_a_tool_gave() -> None:
    mixed = rollouts(["AtB", "AtB"], holes=[[1], []])
    found = jumps(mixed, [1, 0])
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.0], [0.0, -0.5, 0.0]]))


def by_definition(texts: list[str], groups: list[int], rewards: list[float], weight: float) -> list[list[float]]:
    """Sets of rows that share a prefix, straight from the catalogue's definition; no deviation."""

    def value(members: list[int]) -> float:
        return sum(rewards[k] for k in members) / len(members)

    rows = []
    for i, text in enumerate(texts):
        members = [k for k in range(len(texts)) if groups[k] == groups[i]]
        mean, row = value(members), []
        for t, letter in enumerate(text):
            staying = [k for k in members if len(texts[k]) > t and texts[k][t] == letter]
            row.append(rewards[i] - mean + weight * (value(staying) - value(members)))
            members = staying
        rows.append(row)
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_a_plain_loop_from_the_definition_agrees(seed: int) -> None:
    dice = random.Random(seed)
    texts = ["".join(dice.choice("AB") for _ in range(dice.randint(1, 9))) for _ in range(40)]
    groups = [dice.randrange(5) for _ in texts]
    rewards = [dice.choice([0.0, 0.3, 1.0]) for _ in texts]
    found = run_credit(
        "tempo",
        made := rollouts(texts, groups),
        {"norm": "none", "td_weight": 0.7},
        reward_NT=outcome(made, rewards),
    ).advantage_NT
    for row, expected in enumerate(by_definition(texts, groups, rewards, 0.7)):
        assert found[row, : len(expected)].tolist() == pytest.approx(expected, abs=1e-5)
