"""From rewards to what is learned from: memories that move on once a step, and selections one after the other."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.workers.planted import planted
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.spec import Pick, RewardPick
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.masks import per_row, spread
from workers.engine.run import train
from workers.engine.step import take_step
from workers.engine.tensors import Credit, Rollouts, Weights


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    """A tiny run of two prompts with three completions each and the rewards `short` and `the`."""
    made = make_learner(tiny_spec(tmp_path, batch_prompts=2, siblings=3, regularisers=()), lambda *_: None)
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
    apart = {"credit/planted:short", "credit/planted:the"}
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
