"""Tiny models with a trained BPE tokenizer and a chat template, saved to disk, and runs on them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from workers.contract.errors import Stopped
from workers.contract.events import Event
from workers.contract.spec import Budget, Model, Optimiser, Pick, Prompts, RewardPick, RunSpec

KINDS = ("llama", "qwen2", "qwen3", "gpt2", "sliding")
CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<eos>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CORPUS = ("the cat sat on the mat", "the dog ate the hat and the cat", "3+4=7; 12+30=42", "naïve café 猫 🙂") * 8


def make_tokenizer(size: int = 300, **special: Any) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on a few sentences."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    words = ["<pad>", "<eos>", "<|user|>", "<|assistant|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=words, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    names = {"pad_token": "<pad>", "eos_token": "<eos>"} | special
    wrap: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    made = wrap(tokenizer_object=tokenizer, **{k: v for k, v in names.items() if v})
    made.chat_template = CHAT
    return made


def make_model(kind: str, vocabulary: int, seed: int = 0, **more: Any) -> PreTrainedModel:
    """An untrained decoder of a few thousand weights; `sliding` looks back four tokens in its second layer."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 96, "initializer_range": 0.3,
        "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1,
    }  # fmt: skip
    if kind == "gpt2":
        names: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 96}
        shared = {name: sizes[name] for name in ("vocab_size", "initializer_range", "pad_token_id", "eos_token_id")}
        return _still(GPT2LMHeadModel(GPT2Config(**names, **shared, bos_token_id=1)))
    if kind == "sliding":
        window: dict[str, Any] = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}
        return _still(Qwen2ForCausalLM(Qwen2Config(**sizes, **window, tie_word_embeddings=True)))
    if kind == "qwen3":
        return _still(Qwen3ForCausalLM(Qwen3Config(**sizes, head_dim=8, **more)))
    if kind == "qwen2":
        return _still(Qwen2ForCausalLM(Qwen2Config(**sizes, tie_word_embeddings=True, **more)))
    return _still(LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=True, **more)))


def _still(model: PreTrainedModel) -> PreTrainedModel:
    """Without dropout."""
    torch.nn.Module.eval(model)
    return model


def save_model(folder: Path, kind: str = "llama", **special: Any) -> Path:
    """A tiny model and tokenizer in `folder`, as `from_pretrained` wants them."""
    tokenizer = make_tokenizer(**special)
    model = make_model(kind, len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_prompts(path: Path, count: int = 40) -> Path:
    """Prompts of different lengths with answers."""
    rows = [{"prompt": "the cat " * (1 + n % 3) + f"{n}+1=", "answer": str(n + 1)} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tiny_spec(folder: Path, **changes: Any) -> RunSpec:
    """A run of a few steps on the tiny model in `folder` / model, prompts in `folder` / prompts.jsonl."""
    if not (folder / "model").exists():
        save_model(folder / "model")
        write_prompts(folder / "prompts.jsonl")
    spec = RunSpec(
        name="tiny",
        model=Model(str(folder / "model")),
        prompts=Prompts(path=str(folder / "prompts.jsonl"), heldout_share=0.2),
        rewards=(
            RewardPick("short", "brevity", {"zero_from": 8}),
            RewardPick("the", "format", {"pattern": "th|a|e"}, 0.5),
        ),
        credit=Pick("credit", "grpo"),
        objective=Pick("objectives", "ppo_clip"),
        reduction=Pick("reductions", "token_mean"),
        regularisers=(Pick("regularisers", "kl_k3", {"coef": 0.01}),),
        batch_prompts=4,
        siblings=4,
        max_new_tokens=8,
        optimiser=Optimiser(learning_rate=1e-2),
        budget=Budget(steps=4, eval_every=2, eval_prompts=4, checkpoint_every=2),
    )
    return replace(spec, **changes)


class MemoryLedger:
    """Events in a list and files in a directory; `stop_after` asks to stop once that step's metrics were written."""

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        self.folder, self.stop_after = folder, stop_after
        self.events: list[Event] = []
        self.files: dict[str, bytes] = {}

    def write(self, events: list[Event]) -> None:
        """Keep them."""
        self.events += events
        if any(e.kind == "metrics" and e.step == self.stop_after and "loss" in e.data["values"] for e in events):
            raise Stopped

    def save(self, name: str, content: bytes) -> str:
        """Keep it."""
        self.files[name] = content
        return name

    def checkpoints(self) -> str:
        """A directory of its own."""
        place = self.folder / "checkpoints"
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def kind(self, kind: str) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if event.kind == kind]

    def curves(self) -> dict[int, dict[str, float]]:
        """Numbers by step that do not depend on the clock or on what else the process holds."""
        timed = ("seconds/", "tokens_per_second", "memory/")
        return {
            event.step: {name: value for name, value in event.data["values"].items() if not name.startswith(timed)}
            for event in self.kind("metrics")
        }
