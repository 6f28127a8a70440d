"""Rewards that arise within completions, from the function to what is learned: where only sums count nothing changes,
and where places count it is as worked out by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.workers.tiny import tiny_spec
from workers.contract.answers import Answers
from workers.contract.spec import Companion, Pick, RewardPick
from workers.contract.values import Span, Values
from workers.credit.gae import credit as gae
from workers.credit.grpo import credit as grpo
from workers.engine.gather import gather
from workers.engine.judges import Judge, Objective, close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.measures import Clock
from workers.engine.microscope import look
from workers.engine.rewarding import Rewards
from workers.engine.scoring import Scored, score
from workers.engine.step import Step, take_step
from workers.engine.stored_credit import read_stored
from workers.engine.tensors import Progress, Rollouts

MASK = torch.tensor([[True, True, True, False], [True, False, True, True]])  # padding, and a hole


def rewards(**more: torch.Tensor) -> Rewards:
    """Two rewards of which the second is dense: 1 and 0.5 arise in the first row, 2 in the second."""
    dense_NT = torch.tensor([[1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 2.0, 0.0]])
    value_NK = torch.tensor([[1.0, 1.5], [0.0, 2.0]])
    return Rewards(value_NK, torch.ones(2, 2).bool(), torch.tensor([2.0, 0.5]), {1: dense_NT})


def test_each_token_has_its_part_and_the_last_the_rest() -> None:
    """First row: 2·1 + 0.5·1.5 = 2.75 in all, of which 0.5·1 arises on the first token. Second: 0.5·2 = 1."""
    assert rewards().reward_NT(MASK).tolist() == [[0.5, 0.0, 2.25, 0.0], [0.0, 0.0, 1.0, 0.0]]
    assert rewards().rows(torch.tensor([1])).reward_NT(MASK[1:]).tolist() == [[0.0, 0.0, 1.0, 0.0]]
    assert rewards().rows(torch.tensor([0])).reward_NT(MASK[:1, :3]).tolist() == [[0.5, 0.0, 2.25]]
    alone = rewards().reweighed(torch.tensor([0.0, 1.0])).reward_NT(MASK)
    assert alone.tolist() == [[1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 2.0, 0.0]]


def test_what_shaping_takes_is_taken_from_the_last_token() -> None:
    shaped = replace(rewards(), value_NK=torch.tensor([[1.0, 0.5], [0.0, 2.0]]))
    assert shaped.reward_NT(MASK).tolist() == [[0.5, 0.0, 1.75, 0.0], [0.0, 0.0, 1.0, 0.0]]


def rollouts(rows: int, length: int) -> Rollouts:
    mask_NT = torch.ones(rows, length).bool()
    answers = Answers(("x",) * rows, ("p",) * rows, (length,) * rows, ("finished",) * rows)
    none_NL, zero_NT = torch.zeros(rows, 0, dtype=torch.long), torch.zeros(rows, length)
    return Rollouts(none_NL, none_NL.bool(), zero_NT.long(), mask_NT, zero_NT, torch.zeros(rows).long(), answers)


def test_equal_sums_are_equal_however_they_arise() -> None:
    """Ten tenths are one: their rounding must not become a push."""
    batch = rollouts(3, 12)
    dense_NT = torch.zeros(3, 12)
    dense_NT[0, :10], dense_NT[1, :7] = 0.1, 1 / 7
    made = Rewards(torch.ones(3, 1), torch.ones(3, 1).bool(), torch.tensor([0.3]), {0: dense_NT})
    assert made.reward_NT(batch.mask_NT)[0, 3] == pytest.approx(0.03)
    assert not bool(grpo(batch, made.reward_NT(batch.mask_NT)).advantage_NT.any())


def test_generalised_advantages_by_hand() -> None:
    """γ = 1, λ = 0.5, values 0.5, 0.25, 0. Dense, 1 on the first token and 1 on the last:
    δ = (1 + 0.25 − 0.5, 0 − 0.25, 1) = (0.75, −0.25, 1), so A = (0.875, 0.25, 1).
    The same 2 on the last alone: δ = (−0.25, −0.25, 2), so A = (0.125, 0.75, 2)."""
    batch, value_NT = rollouts(1, 3), torch.tensor([[0.5, 0.25, 0.0]])
    apart = Rewards(torch.tensor([[2.0]]), torch.ones(1, 1).bool(), torch.ones(1), {0: torch.tensor([[1.0, 0.0, 1.0]])})
    for made, wanted in ((apart, [0.875, 0.25, 1.0]), (replace(apart, dense={}), [0.125, 0.75, 2.0])):
        found = gae(batch, made.reward_NT(batch.mask_NT), value_NT, gamma=1.0, lam=0.5, standardise=False)
        assert found.advantage_NT.tolist() == [wanted]


def whole(answers: Answers, step: int) -> Values:
    """A quarter for each token, and a half for each letter of the alphabet, with two parts."""
    pairs = zip(answers.texts, answers.lengths, strict=True)
    totals = [0.25 * length + 0.5 * sum(map(str.isalpha, text)) for text, length in pairs]
    return Values(totals, {"long": [float(length) for length in answers.lengths], "odd/name": [None] * len(totals)})


def dense(answers: Answers, step: int) -> Values:
    """The same value for each token by itself, and for each letter where it stands."""
    spans = {
        n: [
            *(Span(token, token + 1, 0.25, "token") for token in range(length)),
            *(Span(place, place + 1, 0.5) for place, letter in enumerate(text) if letter.isalpha()),
        ]
        for n, (text, length) in enumerate(zip(answers.texts, answers.lengths, strict=True))
    }
    return replace(whole(answers, step), spans=spans)


def steps(folder: Path, judge: Judge, **changes: object) -> list[Step]:
    spec = tiny_spec(folder, rewards=(RewardPick("r", "brevity"),), **changes)
    learner = make_learner(spec, lambda *_: None)
    close_all(learner.objectives)
    learner.objectives = (Objective("r", 1.0, (0.0, 1.0), judge, lambda: None),)
    return [take_step(learner, step) for step in (1, 2)]


@pytest.fixture
def two(tmp_path: Path) -> tuple[list[Step], list[Step]]:
    """Two steps with a value of the whole, and two with the same as a dense one, credited among siblings."""
    return steps(tmp_path, whole), steps(tmp_path, dense)


def test_with_credit_of_whole_completions_nothing_changes_but_where_it_is_shown(
    two: tuple[list[Step], list[Step]],
) -> None:
    for sparse, full in zip(*two, strict=True):
        for name in ("advantage", "logp", "ratio"):
            assert (sparse.table.streams[name] == full.table.streams[name]).all()
        assert abs(sparse.table.streams["advantage"]).max() > 0.1
        for name in ("loss", "grad_norm", "reward/r", "reward/r/long"):
            assert sparse.metrics[name] == full.metrics[name]
        shown, ending = full.table.streams["reward"], sparse.table.streams["reward"]
        assert ((ending != 0).sum(axis=1) == 1).all()
        for row, length in enumerate(full.table.columns["length"]):
            assert (shown[row, :length] >= 0.25).all()
        assert shown.sum(axis=1) == pytest.approx(ending.sum(axis=1))


def test_a_critic_hears_where_rewards_arise_and_the_microscope_too(tmp_path: Path) -> None:
    changes = {"credit": Pick("credit", "gae"), "companions": (Companion("critic"),)}
    sparse, full = steps(tmp_path, whole, **changes)[0].table, steps(tmp_path, dense, **changes)[0].table
    assert abs(sparse.streams["advantage"] - full.streams["advantage"]).max() > 0.1
    assert "reward.r" not in sparse.streams
    spec = tiny_spec(tmp_path, rewards=(RewardPick("r", "brevity"),), **changes)
    seen = look(read_stored(full.content()), spec)
    torch.testing.assert_close(seen.advantage_NT, torch.tensor(full.streams["advantage"]), rtol=1e-4, atol=1e-4)


CODE = """
def reward(completions, completion_ids, trainer_state, log_metric):
    log_metric("done", trainer_state.global_step / trainer_state.max_steps)
    return [[0.5 if n == len(ids) // 2 else 0.0 for n in range(len(ids))] for ids in completion_ids]
"""


def test_users_code_says_where_its_reward_arises(tmp_path: Path) -> None:
    learner = make_learner(tiny_spec(tmp_path, rewards=(RewardPick("mine", "code:1@1", source=CODE),)), lambda *_: None)
    made = take_step(learner, 2)
    close_all(learner.objectives)
    assert made.metrics["reward/mine/done"] == 0.25  # one of four steps is done
    for row, length in enumerate(made.table.columns["length"]):
        assert made.table.streams["reward"][row].nonzero()[0].tolist() == [length // 2]
        assert made.table.streams["reward.mine"][row, length // 2] == 0.5


def test_parts_become_curves(two: tuple[list[Step], list[Step]]) -> None:
    made = two[0][0]
    assert made.metrics["reward/r/long"] == pytest.approx(made.metrics["length"])
    assert not [name for name in made.metrics if "odd" in name]  # it applies to nobody


def test_scores_of_two_batches_behind_one_another() -> None:
    objectives = [Objective("r", 1.0, (0.0, 1.0), dense, lambda: None)]

    def scored(*texts: str) -> Scored:
        sizes = tuple(map(len, texts))
        return score(objectives, Answers(texts, ("p",) * len(texts), sizes, ("finished",) * len(texts)), 1)

    assert scored("ab").joined(scored("c", "def")) == scored("ab", "c", "def")


def test_completions_know_their_tokens_and_groups(tmp_path: Path) -> None:
    learner: Learner = make_learner(tiny_spec(tmp_path), lambda *_: None)
    found = gather(learner, learner.recipe, 1, Progress(1, 4), Clock()).rollouts
    close_all(learner.objectives)
    assert found.answers.groups == tuple(found.group_N.tolist())
    for n, row in enumerate(found.answers.tokens):
        assert list(row) == found.token_NT[n, : found.answers.lengths[n]].tolist()
