"""From rewards to what is learned from: memories that move on once a step, and selections one after the other."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.workers.chosen import candidates
from tests.workers.planted import planted
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.spec import Pick, RewardPick
from workers.engine.crediting import credited
from workers.engine.gather import Chosen
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.masks import per_row, spread
from workers.engine.rewarding import Rewards
from workers.engine.run import train
from workers.engine.step import take_step
from workers.engine.tensors import Candidates, Credit, GroupLoss, Pass, Progress, Rollouts, Selection, Weights


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    """A tiny run of two prompts with three completions each, of which one reward speaks well, and the other never."""
    rewards = (RewardPick("t", "format", {"pattern": ".*t.*"}), RewardPick("no", "format"))
    spec = tiny_spec(tmp_path, batch_prompts=2, siblings=3, regularisers=(), rewards=rewards)
    made = make_learner(spec, lambda *_: None)
    yield made
    close_all(made.objectives)


def counting(rollouts: Rollouts, reward_NT: Tensor, memory: dict[str, Tensor]) -> Credit:
    """The reward less the number of calls that this memory has seen, which grows by one."""
    seen = memory.get("seen", torch.tensor(0.0))
    return Credit(
        spread(per_row(reward_NT, rollouts.mask_NT) - seen, rollouts.mask_NT),
        memory={"seen": seen + 1, "total": reward_NT.sum()},
    )


def by_gradients(weight_K: Tensor, gram_KK: Tensor) -> Weights:
    """The weights as they were, from one who wants the rewards' gradients."""
    return Weights(weight_K)


@pytest.mark.parametrize("credit_first", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_a_step_moves_each_memory_on_once(learner: Learner, credit_first: bool, gradients: bool) -> None:
    """However often credit is wanted: for the sum, for each reward, for the gradients of each."""
    weighting = planted("weighting", by_gradients) if gradients else None
    learner.recipe = replace(
        learner.recipe, credit=planted("credit", counting), weighting=weighting, credit_first=credit_first
    )
    apart = {"credit/planted:t", "credit/planted:no"}
    for step in (1, 2):
        take_step(learner, step)
        memories = learner.supply.memories
        assert set(memories) == ({"credit/planted"} if not credit_first else set()) | (
            apart if credit_first or gradients else set()
        )
        assert [float(memory["seen"]) for memory in memories.values()] == [step] * len(memories)


def test_each_reward_has_a_past_of_its_own(learner: Learner) -> None:
    """What the memory of a label saw last is that reward alone, and not the one before it."""
    learner.recipe = replace(learner.recipe, credit=planted("credit", counting), credit_first=True)
    made = take_step(learner, 1)
    for label, values in made.table.rewards.items():
        told = float(learner.supply.memories[f"credit/planted:{label}"]["total"])
        assert (told > 0) == (label == "t")
        assert told == pytest.approx(sum(value or 0.0 for value in values), abs=1e-5)


def test_the_weights_gradients_leave_the_first_steps_credit_as_it_is(tmp_path: Path) -> None:
    """REINFORCE with its tracked baseline: asking for gradients before changes nothing of what is credited."""
    streams = []
    for weighting in (None, planted("weighting", by_gradients)):
        spec = tiny_spec(tmp_path, regularisers=(), order="credit first", credit=Pick("credit", "reinforce"))
        spec = replace(spec, rewards=(RewardPick("t", "format", {"pattern": ".*t.*"}), RewardPick("no", "format")))
        made = make_learner(spec, lambda *_: None)
        made.recipe = replace(made.recipe, weighting=weighting)
        streams.append([torch.tensor(take_step(made, step).table.streams["advantage"]) for step in (1, 2)])
        close_all(made.objectives)
    for one, other in zip(*streams, strict=True):
        assert one.abs().max() > 0.1
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_the_pasts_of_single_rewards_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, order="credit first", credit=Pick("credit", "reinforce"))
    whole, cut = MemoryLedger(tmp_path / "1"), MemoryLedger(tmp_path / "2")
    train(spec, whole)
    train(replace(spec, budget=replace(spec.budget, steps=2)), cut)
    train(spec, cut, resume=True)
    assert cut.curves()[4] == whole.curves()[4]


def test_a_selection_sees_what_the_one_before_it_kept(learner: Learner) -> None:
    """The first leaves out the second row, and of the others all tokens but the first two."""
    seen: list[Candidates] = []

    def first(credited: Candidates) -> Selection:
        mask_NT = credited.rollouts.mask_NT
        weight_NT = (torch.arange(mask_NT.shape[1]) < 2).float().expand(mask_NT.shape)
        return Selection((torch.arange(len(mask_NT)) != 1).float(), weight_NT)

    def second(credited: Candidates) -> Selection:
        seen.append(credited)
        return Selection((torch.arange(len(credited.reward_N)) != 0).float() * 0.5)

    def credit(rollouts: Rollouts, reward_NT: Tensor) -> Credit:
        return Credit(spread(torch.arange(1.0, len(rollouts.mask_NT) + 1), rollouts.mask_NT))

    parts = (planted("selection", first), planted("selection", second))
    learner.recipe = replace(learner.recipe, selection=parts, credit=planted("credit", credit))
    made = take_step(learner, 1)
    (told,) = seen
    assert told.rollouts.answers.texts == tuple(made.table.columns["completion"][n] for n in (0, 2, 3, 4, 5))
    lengths = [min(2, made.table.columns["length"][n]) for n in (0, 2, 3, 4, 5)]
    assert told.rollouts.mask_NT.sum(dim=1).tolist() == lengths
    assert told.advantage_NT is not None
    assert told.advantage_NT[:, 0].tolist() == [1, 3, 4, 5, 6]
    learned = made.table.streams["learned"].sum(axis=1).tolist()
    assert learned == [0, 0, *lengths[1:]]


@pytest.mark.parametrize(("weights", "rows"), [((1.0, 1.0), [4, 7]), ((0.0, 1.0), [7])])
def test_a_row_without_tokens_goes_where_it_is_left_out_and_stays_otherwise(
    learner: Learner, weights: tuple[float, ...], rows: list[int]
) -> None:
    """Such a row has nothing to weigh: its weight alone decides."""
    mask_NT = torch.tensor([[False, False], [True, True]])
    rollouts = candidates([1.0, 0.0], [0, 0], mask_NT).rollouts
    rewards = Rewards(torch.ones(2, 2), torch.ones(2, 2).bool(), torch.ones(2))
    chosen = Chosen(torch.tensor([4, 7]), rollouts, rewards, torch.full((2,), -1), torch.ones(2), {})

    def select(credited: Candidates) -> Selection:
        return Selection(torch.tensor(weights))

    recipe = replace(learner.recipe, selection=(planted("selection", select),))
    assert credited(learner, recipe, chosen, Progress(1, 2)).row_R.tolist() == rows


def test_a_loss_of_groups_does_not_see_a_completion_that_is_left_out(learner: Learner) -> None:
    seen: list[Tensor] = []

    def objective(now: Pass, group_N: Tensor) -> GroupLoss:
        seen.append(group_N)
        return GroupLoss(torch.stack([now.logp_NT[group_N == g].sum() for g in torch.unique(group_N)]))

    def select(credited: Candidates) -> Selection:
        return Selection((torch.arange(len(credited.reward_N)) != 1).float())

    learner.recipe = replace(
        learner.recipe, objective=planted("objectives", objective), selection=(planted("selection", select),)
    )
    take_step(learner, 1)
    assert seen[0].tolist() == [0, 0, 1, 1, 1]
