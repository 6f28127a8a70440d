"""Rewards of the reference's completions: of whom, of which prompts, how often sampled, and across a resumed run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.engine.test_ranks import assert_same_curves
from tests.workers.planted import planted
from tests.workers.tiny import MemoryLedger, tiny_spec, write_prompts
from workers.contract.answers import Problem
from workers.contract.errors import Stopped
from workers.contract.resources import Lora
from workers.contract.spec import Budget, Pick, Prompts, RewardPick, RunSpec
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.references import MOST, References
from workers.engine.referring import reference_values
from workers.engine.rollout import roll_out
from workers.engine.run import train
from workers.engine.step import take_step
from workers.engine.tensors import RefValues, Shaped

PAR = Pick("shaping", "par", {"references": 3})
LOW = RewardPick("low", "format", {"pattern": "[a-h]", "match": "anywhere"})


def make(folder: Path, **changes: Any) -> Learner:
    """A tiny run that asks for references; its rewards are of one letter, so that completions differ."""
    spec = tiny_spec(folder, **{"shaping": (PAR,), "rewards": (LOW, RewardPick("short", "brevity"))} | changes)
    return make_learner(spec, lambda *_: None)


@pytest.fixture
def learner(tmp_path: Path) -> Any:
    made = make(tmp_path)
    yield made
    close_all(made.objectives)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many prompts at once completions were asked of the reference."""
    found: list[int] = []

    def counted(learner: Learner, problems: Any, *others: Any) -> Any:
        found.append(len(problems))
        return roll_out(learner, problems, *others)

    monkeypatch.setattr("workers.engine.referring.roll_out", counted)
    return found


def test_each_row_has_its_prompts_references(learner: Learner, sampled: list[int]) -> None:
    problems = [problem for problem in learner.source.batch(1, 4) for _ in range(2)]
    ref_NKJ = reference_values(learner, problems, 1, 3, [])
    assert ref_NKJ.shape == (8, 2, 3)
    assert torch.equal(ref_NKJ[::2], ref_NKJ[1::2])
    assert len({tuple(row.flatten().tolist()) for row in ref_NKJ}) > 1
    assert bool(((ref_NKJ >= 0) & (ref_NKJ <= 1)).all())
    assert sampled == [4]


def test_each_prompt_and_reward_has_its_own(tmp_path: Path) -> None:
    source = "def reward(prompts, completions, **columns):\n    return [float(len(prompt)) for prompt in prompts]\n"
    made = make(tmp_path, rewards=(RewardPick("length of the prompt", "code:1@1", source=source), LOW))
    problems = made.source.batch(1, 4)
    try:
        ref_NKJ = reference_values(made, [*problems, problems[1]], 1, 5, [])
    finally:
        close_all(made.objectives)
    lengths = [len(problem.prompt) for problem in (*problems, problems[1])]
    assert len(set(lengths)) > 1
    assert ref_NKJ[:, 0].tolist() == [[length] * 5 for length in lengths]
    assert float(ref_NKJ[:, 1].max()) <= 1


def test_one_prompt_with_several_answers_has_references_for_each(tmp_path: Path) -> None:
    source = "def reward(completions, answer, **columns):\n    return [float(len(one)) for one in answer]\n"
    made = make(tmp_path, rewards=(RewardPick("length of the answer", "code:1@1", source=source),))
    try:
        ref_NKJ = reference_values(made, [Problem("the cat", "7"), Problem("the cat", "123")], 1, 2, [])
    finally:
        close_all(made.objectives)
    assert ref_NKJ[:, 0].tolist() == [[1.0, 1.0], [3.0, 3.0]]


def test_a_prompt_is_sampled_once_and_fewer_are_the_first(learner: Learner, sampled: list[int]) -> None:
    problems = learner.source.batch(1, 4)
    three = reference_values(learner, problems, 1, 3, [])
    assert torch.equal(reference_values(learner, problems, 2, 3, []), three)
    assert torch.equal(reference_values(learner, problems[::-1], 2, 1, []), three.flip(0)[..., :1])
    assert sampled == [4]
    assert reference_values(learner, problems[:1], 2, 5, []).shape == (1, 2, 5)
    assert sampled == [4, 1]


def test_no_more_at_once_than_a_step_has(learner: Learner, sampled: list[int]) -> None:
    assert reference_values(learner, learner.source.batch(1, 4), 1, 8, []).shape == (4, 2, 8)
    assert sampled == [2, 2]


@pytest.mark.parametrize("lora", [None, Lora(rank=4, alpha=64)])
def test_they_are_of_the_model_of_step_0_however_far_the_policy_moved(tmp_path: Path, lora: Lora | None) -> None:
    moved, fresh = make(tmp_path, lora=lora), make(tmp_path)
    for step in (1, 2, 3):
        take_step(moved, step)
    problems = moved.source.batch(4, 4)
    with torch.no_grad():
        for weight in moved.policy.model.parameters():
            weight.add_(torch.randn_like(weight) if weight.requires_grad else 0.0)
    found = reference_values(moved, problems, 4, 4, [])
    assert torch.equal(found, reference_values(fresh, problems, 4, 4, []))


def test_what_says_nothing_is_nan_and_failures_are_told(tmp_path: Path) -> None:
    source = (
        "def reward(completions, **columns):\n"
        "    if 'cat cat' in columns['prompts'][0]:\n        return [None] * len(completions)\n"
        "    return [1 / 0 for _ in completions]\n"
    )
    made = make(tmp_path, rewards=(LOW, RewardPick("broken", "code:1@1", source=source)))
    troubles: list[Any] = []
    try:
        found = reference_values(made, made.source.batch(1, 4), 1, 2, troubles)
    finally:
        close_all(made.objectives)
    assert found[:, 1].isnan().all()
    assert not found[:, 0].isnan().any()
    assert [event.kind for event in troubles] == ["trouble"]
    assert "broken" in troubles[0].data["what"]


def test_a_step_gives_them_to_whoever_asks_and_samples_nothing_otherwise(
    learner: Learner, sampled: list[int], tmp_path: Path
) -> None:
    seen: list[Tensor] = []

    def shape(value_NK: Tensor, ref_values: RefValues) -> Shaped:
        seen.append(ref_values(2))
        return Shaped(value_NK)

    learner.recipe = replace(learner.recipe, shaping=(planted("shaping", shape),))
    take_step(learner, 1)
    assert [tuple(ref_NKJ.shape) for ref_NKJ in seen] == [(16, 2, 2)]
    sampled.clear()
    other = make(tmp_path, shaping=(), regularisers=())
    take_step(other, 1)
    assert sampled == []
    assert other.supply.reference is None
    assert "references" not in {keeper.name for keeper in other.keepers()}


def test_a_run_compares_its_rewards(tmp_path: Path) -> None:
    """Every stored reward stays as it was scored; what is learned from lies between 0 and 1."""
    made = make(tmp_path)
    step = take_step(made, 1)
    close_all(made.objectives)
    assert step.broken is None
    assert step.metrics["loss"] == step.metrics["loss"]
    assert made.supply.references.tensors()["shape"].tolist() == [[2, 3]] * 4


def repeating(folder: Path) -> RunSpec:
    """Six prompts that come again within four steps of four."""
    spec = tiny_spec(folder, shaping=(PAR,), rewards=(LOW,))
    return tiny_spec(
        folder,
        shaping=(PAR,),
        rewards=(LOW,),
        prompts=Prompts(path=str(write_prompts(folder / "few.jsonl", 6)), heldout_share=spec.prompts.heldout_share),
    )


@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path, stop: int) -> None:
    spec = repeating(tmp_path)
    whole = MemoryLedger(tmp_path / "whole")
    train(spec, whole)
    first = MemoryLedger(tmp_path / "parts", stop_after=stop)
    with pytest.raises(Stopped):
        train(spec, first)
    second = MemoryLedger(tmp_path / "parts")
    train(spec, second, resume=True)
    assert first.curves() | second.curves() == whole.curves()
    for name in ("model.safetensors", "references.safetensors"):
        files = [ledger.folder / "checkpoints/step-000004" / name for ledger in (whole, second)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_two_processes_share_the_sampling(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, shaping=(PAR,), rewards=(LOW,), budget=Budget(steps=2, eval_every=0))
    one, two = MemoryLedger(tmp_path / "one"), MemoryLedger(tmp_path / "two")
    train(spec, one)
    train(replace(spec, devices=2), two)
    assert_same_curves(two, one, [1, 2])
    files = [ledger.folder / "checkpoints/step-000002/references.safetensors" for ledger in (one, two)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_remembered_comes_back_from_a_checkpoint() -> None:
    first, second = References(), References()
    values = {7: torch.rand(2, 3), -1: torch.tensor([[torch.nan, 1.0], [0.0, 2.0]])}
    for key, value_KJ in values.items():
        first.put(key, value_KJ)
    second.restore(first.tensors())
    for key, value_KJ in values.items():
        torch.testing.assert_close(second.get(key, value_KJ.shape[1]), value_KJ, equal_nan=True)
    assert second.get(7, 4) is None
    assert second.get(8, 1) is None
    second.restore(References().tensors())
    assert second.get(7, 1) is None


def test_the_oldest_is_forgotten() -> None:
    made = References()
    for key in range(MOST + 2):
        made.put(key, torch.zeros(1, 1))
    assert [made.get(key, 1) is None for key in (0, 1, 2, MOST + 1)] == [True, True, False, False]
