"""TRL's own losses on given logits: its trainers are built as a person would build them, and asked for their loss.

The output matrix is the identity and the network below it hands out the logits that are wanted as its last hidden
states: all of TRL's code from there on (its fused output layer, its loss) runs as it is, and so do gradients.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import BaseModelOutputWithPast

from tests.bench.models import make_tokenizer
from tests.peers.batches import PROMPT, VOCABULARY, policy_batch, preference_batch

PLAIN = {"bf16": False, "gradient_checkpointing": False, "use_cpu": True, "report_to": "none", "seed": 0}


class Handed:
    """A network that gives the states it was handed, one batch a call, each behind a prompt of zeros."""

    def __init__(self) -> None:
        self.waiting: list[Tensor] = []

    def hand(self, logits_NTV: Tensor) -> Tensor:
        """Put a batch last in the queue; the tensor returned is the leaf that gradients reach."""
        leaf = logits_NTV.clone().requires_grad_()
        self.waiting.append(leaf)
        return leaf

    def __call__(self, *asked: object, **more: object) -> BaseModelOutputWithPast:
        logits_NTV = self.waiting.pop(0)
        rows, _, width = logits_NTV.shape
        # The state before a token decides it; the last state decides nothing.
        before, behind = torch.zeros(rows, PROMPT - 1, width), torch.zeros(rows, 1, width)
        return BaseModelOutputWithPast(last_hidden_state=torch.cat([before, logits_NTV, behind], dim=1))


def _network(folder: Path) -> tuple[LlamaForCausalLM, Handed]:
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=VOCABULARY, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        tie_word_embeddings=False, pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.copy_(torch.eye(VOCABULARY))
    # Trainers load their reference model from where the model came from; its losses are given, so it is never asked.
    model.save_pretrained(folder / "model")
    model.config._name_or_path = str(folder / "model")
    handed = Handed()
    model.model.forward = handed
    return model, handed


def _whole(batch: dict[str, Any], mask_NT: Tensor, token_NT: Tensor) -> dict[str, Tensor]:
    rows = len(token_NT)
    prompt = torch.full((rows, PROMPT), 5)
    return {
        "input_ids": torch.cat([prompt, token_NT], dim=1),
        "attention_mask": torch.cat([torch.ones_like(prompt), mask_NT.long()], dim=1),
        "completion_mask": torch.cat([torch.zeros_like(prompt), mask_NT.long()], dim=1),
    }


def _made(trainer: Any, handed: Handed, leaf: Tensor, *arguments: Any) -> dict[str, Any]:
    trainer.model.train()
    loss = trainer._compute_loss(trainer.model, *arguments)
    loss.backward()
    assert not handed.waiting, "the trainer asked for fewer passes than were handed to it"
    return {"loss": loss.detach(), "grad_NTV": leaf.grad}


def policy_loss(folder: Path, settings: dict[str, Any], *, on_policy: bool, holes: bool = True) -> dict[str, Any]:
    """Loss and gradient by the logits of a GRPOTrainer with `settings` over TRL's defaults; `on_policy`: the sampling
    policy is the present one. Without `holes` every token that is present was chosen."""
    batch = policy_batch()
    model, handed = _network(folder)
    config = trl.GRPOConfig(
        str(folder), per_device_train_batch_size=6, num_generations=2, max_completion_length=6, **PLAIN, **settings
    )
    trainer = trl.GRPOTrainer(
        model,
        _no_reward,
        config,
        Dataset.from_list([{"prompt": "1+1="}] * 6),
        processing_class=make_tokenizer(VOCABULARY),
    )
    trainer.current_gradient_accumulation_steps = 1
    leaf = handed.hand(batch["logits_NTV"])
    chosen = batch["mask_NT"] if holes else batch["present_NT"]
    inputs = _sides(batch) | {
        "tool_mask": chosen.long(),
        "num_items_in_batch": chosen.sum(),
        "old_per_token_logps": None if on_policy else batch["was_NT"],
        "ref_per_token_logps": batch["ref_NT"],
    }
    return _made(trainer, handed, leaf, inputs)


def rloo_loss(folder: Path, settings: dict[str, Any], *, on_policy: bool) -> dict[str, Any]:
    """Loss and gradient of an RLOOTrainer, whose ratio is that of whole completions. It knows no holes."""
    batch = policy_batch()
    model, handed = _network(folder)
    config = trl.RLOOConfig(
        str(folder), per_device_train_batch_size=6, num_generations=2, max_completion_length=6, **PLAIN, **settings
    )
    trainer = trl.RLOOTrainer(
        model,
        _no_reward,
        config,
        Dataset.from_list([{"prompt": "1+1="}] * 6),
        processing_class=make_tokenizer(VOCABULARY),
    )
    leaf = handed.hand(batch["logits_NTV"])
    logp_NT = batch["logits_NTV"].log_softmax(-1).gather(-1, batch["token_NT"][..., None]).squeeze(-1)
    was_NT = logp_NT if on_policy else batch["was_NT"]
    return _made(trainer, handed, leaf, _sides(batch) | {"old_logps": (was_NT * batch["present_NT"]).sum(1)})


def _sides(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    prompt = torch.full((len(batch["token_NT"]), PROMPT), 5)
    return {
        "prompt_ids": prompt,
        "prompt_mask": torch.ones_like(prompt),
        "completion_ids": batch["token_NT"],
        "completion_mask": batch["present_NT"].long(),
        "advantages": batch["advantage_N"],
    }


def _no_reward(completions: list[str], **_: object) -> list[float]:
    return [0.0] * len(completions)


def pair_loss(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Loss and gradient of a DPOTrainer on the pairs."""
    batch = preference_batch()
    model, handed = _network(folder)
    rows = Dataset.from_list([{"prompt": "1", "chosen": "2", "rejected": "3"}] * 4)
    trainer = _preferring(trl.DPOTrainer, trl.DPOConfig(str(folder), **PLAIN, **settings), model, rows)
    trainer.precompute_ref_logps = True
    leaf = handed.hand(batch["logits_NTV"])
    chosen, rejected = batch["ref_logp_N"].chunk(2)
    inputs = _whole(batch, batch["mask_NT"], batch["token_NT"])
    return _made(trainer, handed, leaf, inputs | {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}, False)


def unpaired_loss(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Loss and gradient of a KTOTrainer on the same rows, each with its label; the estimate of KL besides."""
    batch = preference_batch()
    model, handed = _network(folder)
    rows = Dataset.from_list(
        [{"prompt": "1", "completion": "2", "label": True}] * 4
        + [{"prompt": "1", "completion": "3", "label": False}] * 4
    )
    trainer = _preferring(trl.KTOTrainer, trl.KTOConfig(str(folder), **PLAIN, **settings), model, rows)
    trainer.precompute_ref_logps = True
    handed.hand(batch["kl_logits_NTV"])
    leaf = handed.hand(batch["logits_NTV"])
    others = _whole(batch, batch["kl_mask_NT"], batch["kl_token_NT"])
    inputs = _whole(batch, batch["mask_NT"], batch["token_NT"]) | {
        f"KL_{name}": value for name, value in others.items()
    }
    inputs |= {"label": batch["label_N"], "ref_logps": batch["ref_logp_N"], "ref_KL_logps": batch["kl_ref_logp_N"]}
    found = _made(trainer, handed, leaf, inputs, False)
    return found | {"kl": torch.tensor(trainer._metrics["train"]["kl"][-1])}


def _preferring(maker: Callable[..., Any], config: Any, model: LlamaForCausalLM, rows: Dataset) -> Any:
    return maker(model, None, config, train_dataset=rows, processing_class=make_tokenizer(VOCABULARY))
