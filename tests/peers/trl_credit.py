"""TRL's own advantages: its trainers sample from a tiny model, are told the rewards, and say what each one is owed."""

from pathlib import Path
from typing import Any

import torch
import trl
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM

from tests.bench.models import VOCABULARY, make_tokenizer
from tests.peers.recordings import plain
from tests.peers.trl_losses import PLAIN

# Two groups of four: one with every kind of reward, one where three are equal.
REWARDS = [1.0, 0.0, 0.25, 0.6, 0.3, 0.3, 0.3, 1.0]


def cases(folder: Path) -> dict[str, Any]:
    """Advantages by the names under which the tests look for them."""
    made = {
        "grpo_std": _advantages(trl.GRPOTrainer, trl.GRPOConfig, folder, {"scale_rewards": "group"}),
        "grpo_none": _advantages(trl.GRPOTrainer, trl.GRPOConfig, folder, {"scale_rewards": "none"}),
        "rloo": _advantages(trl.RLOOTrainer, trl.RLOOConfig, folder, {"normalize_advantages": False}),
    }
    return {name: {"rewards": REWARDS, "siblings": 4, "advantage_N": plain(found)} for name, found in made.items()}


def _advantages(maker: Any, configure: Any, folder: Path, settings: dict[str, Any]) -> torch.Tensor:
    config = configure(
        str(folder), per_device_train_batch_size=8, num_generations=4, max_completion_length=2, beta=0.0,
        **PLAIN, **settings,
    )  # fmt: skip
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
            pad_token_id=0, bos_token_id=None, eos_token_id=1,
        )
    )  # fmt: skip
    prompts = [{"prompt": prompt} for prompt in ["1+1="] * 4 + ["2+2="] * 4]
    trainer = maker(model, _told, config, Dataset.from_list(prompts), processing_class=make_tokenizer())
    trainer.model.train()
    found: torch.Tensor = trainer._generate_and_score_completions(prompts)["advantages"]
    return found


def _told(completions: list[str], **_: object) -> list[float]:
    return REWARDS[: len(completions)]
