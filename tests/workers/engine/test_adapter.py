"""Runs in which an adapter learns, and layers that are run again on the way back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.pytorch_utils import Conv1D

from tests.workers.engine.test_ranks import assert_same_curves
from tests.workers.tiny import KINDS, MemoryLedger, save_model, tiny_spec
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.errors import RunError, Stopped
from workers.contract.resources import Lora
from workers.contract.spec import Budget, Companion, Model, Optimiser, Pick, RewardPick, RunSpec
from workers.engine.learner import make_learner
from workers.engine.rollout import roll_out
from workers.engine.run import train

LOW = RewardPick("low", "format", {"pattern": "[a-h]", "match": "anywhere"})


def spec_of(folder: Path, **changes: Any) -> RunSpec:
    own: dict[str, Any] = {
        "lora": Lora(rank=4, alpha=8),
        "rewards": (LOW,),
        "credit": Pick("credit", "rloo"),
        "optimiser": Optimiser(learning_rate=1e-2),
    }
    return tiny_spec(folder, **own | changes)


def ran(spec: RunSpec, folder: Path, **how: Any) -> MemoryLedger:
    ledger = MemoryLedger(folder)
    train(spec, ledger, **how)
    return ledger


@pytest.mark.parametrize("kind", KINDS)
def test_it_works(tmp_path: Path, kind: str) -> None:
    """Sampling and training agree with an adapter in the model, and the model's own weights stay."""
    save_model(tmp_path / "other", kind)
    spec = spec_of(tmp_path, model=Model(str(tmp_path / "other")))
    assert troubles(spec, read_catalogue()) == []
    ledger = ran(spec, tmp_path)
    curves = ledger.curves()
    assert all(curves[step]["mismatch"] < 1e-4 for step in (1, 2, 3, 4))
    assert curves[1]["kl"] == pytest.approx(0, abs=1e-9)
    assert curves[4]["kl"] > 1e-6, "the adapter has moved, the reference has not"
    learner = make_learner(spec, lambda *_: None)
    plain = make_learner(replace(spec, lora=None), lambda *_: None)
    learning = {name for name, weight in learner.policy.model.named_parameters() if weight.requires_grad}
    assert learning
    assert all("lora_" in name for name in learning)
    problems = learner.source.batch(1, 2)
    first, second = (roll_out(one, problems, (2, 2), torch.Generator().manual_seed(0), 0) for one in (learner, plain))
    assert first.token_NT.tolist() == second.token_NT.tolist(), "a new adapter changes nothing"


def test_the_reference_is_the_model_without_its_adapter(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    learner, plain = make_learner(spec, lambda *_: None), make_learner(replace(spec, lora=None), lambda *_: None)
    rollouts = roll_out(learner, learner.source.batch(1, 2), (2, 2), torch.Generator().manual_seed(0), 0)
    before = learner.supply.ref_logp(rollouts)
    for name, weight in learner.policy.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    after = learner.supply.ref_logp(rollouts)
    assert before is not None
    assert after is not None
    torch.testing.assert_close(after, before, atol=0, rtol=0)
    torch.testing.assert_close(after, plain.policy.read(rollouts).logp_NT.detach(), atol=1e-6, rtol=1e-6)
    assert float((learner.policy.read(rollouts).logp_NT.detach() - after).abs().max()) > 1e-2
    assert any(weight.requires_grad for weight in learner.policy.model.parameters())


@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path, stop: int) -> None:
    spec = spec_of(tmp_path, companions=(Companion("critic"),))
    whole = ran(spec, tmp_path / "whole")
    first = MemoryLedger(tmp_path / "parts", stop_after=stop)
    with pytest.raises(Stopped):
        train(spec, first)
    second = ran(spec, tmp_path / "parts", resume=True)
    assert first.curves() | second.curves() == whole.curves()
    name = "checkpoints/step-000004/adapter_model.safetensors"
    assert (second.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_checkpoint_holds_the_adapter_alone_and_loads_in_transformers(tmp_path: Path) -> None:
    ledger = ran(spec_of(tmp_path), tmp_path)
    place = ledger.folder / "checkpoints/step-000004"
    assert not (place / "model.safetensors").exists()
    tensors = load_file(place / "adapter_model.safetensors")
    assert any(float(tensor.abs().max()) > 0 for name, tensor in tensors.items() if "lora_B" in name)
    again = AutoModelForCausalLM.from_pretrained(place)
    assert sum("lora_A" in name for name, _ in again.named_modules()) > 0


def test_named_layers_only(tmp_path: Path) -> None:
    learner = make_learner(spec_of(tmp_path, lora=Lora(2, 4, "q_proj, v_proj")), lambda *_: None)
    learning = {name for name, weight in learner.policy.model.named_parameters() if weight.requires_grad}
    assert len(learning) == 2 * 2 * 2, "two matrices for each of two layers in each of two blocks"
    assert all("q_proj" in name or "v_proj" in name for name in learning)
    with pytest.raises(RunError, match="spec: the adapter fits no layer"):
        make_learner(spec_of(tmp_path, lora=Lora(2, 4, "nothing_proj")), lambda *_: None)


def test_a_wrong_adapter_is_found_before_the_run(tmp_path: Path) -> None:
    for lora, path in ((Lora(rank=0), "lora.rank"), (Lora(alpha=0), "lora.alpha")):
        assert [t.path for t in troubles(spec_of(tmp_path, lora=lora), read_catalogue())] == [path]


def test_two_processes_learn_one_adapter(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, budget=Budget(steps=2, eval_every=0, checkpoint_every=0))
    one = ran(spec, tmp_path / "one")
    two = ran(replace(spec, devices=2), tmp_path / "two")
    assert_same_curves(two, one, [1, 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lora", [None, Lora(4, 8)])
def test_layers_that_are_run_again_give_the_same_numbers(tmp_path: Path, kind: str, lora: Lora | None) -> None:
    """And they are run again: each once more on the way back, in every update."""
    save_model(tmp_path / "other", kind)
    spec = spec_of(tmp_path, model=Model(str(tmp_path / "other")), lora=lora)
    spec = replace(spec, budget=Budget(steps=2, eval_every=0, checkpoint_every=0))
    again = replace(spec, optimiser=replace(spec.optimiser, recompute=True))
    assert_same_curves(ran(again, tmp_path / "again"), ran(spec, tmp_path / "kept"), [1, 2])
    learner = make_learner(again, lambda *_: None)
    layer = next(m for m in learner.policy.model.modules() if isinstance(m, GradientCheckpointingLayer))
    calls: list[int] = []
    inner = next(module for module in layer.modules() if isinstance(module, torch.nn.Linear | Conv1D))
    inner.register_forward_hook(lambda *_: calls.append(1))
    rollouts = roll_out(learner, learner.source.batch(1, 2), (2, 2), torch.Generator().manual_seed(0), 0)
    calls.clear()
    torch.autograd.backward(learner.policy.read(rollouts).logp_NT.sum())
    assert len(calls) == 2
