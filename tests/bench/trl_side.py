"""TRL's side of the bench: its trainer's own loop, which gives way after each of its steps."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trl
from datasets import Dataset
from transformers import TrainerCallback

from tests.bench.workload import LEARNING_RATE, NEW_TOKENS, Case, prompts, reward

TUNED = {"bf16": False, "gradient_checkpointing": False}
PLAIN: dict[str, Any] = {
    "use_cpu": True,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "learning_rate": LEARNING_RATE,
    "lr_scheduler_type": "constant",
    "max_grad_norm": 1.0,
    "seed": 0,
}


class Between(TrainerCallback):
    """Times each step of a trainer, from the end of what came between, and hands the seconds to `then`."""

    def __init__(self, then: Callable[[float], None]) -> None:
        self.then, self.since = then, 0.0

    def on_train_begin(self, *asked: object, **more: object) -> None:
        """The first step starts."""
        self.since = time.perf_counter()

    def on_step_end(self, *asked: object, **more: object) -> None:
        """A step is done: weights are updated and gradients cleared."""
        self.then(time.perf_counter() - self.since)
        self.since = time.perf_counter()


def grpo(folder: Path, case: Case, steps: int, then: Callable[[float, float], None]) -> None:
    """Train for `steps` steps; `then` gets the seconds of each and the mean length of its completions."""
    lengths: list[float] = []

    def rewards(completions: list[str], completion_ids: list[list[int]], **_: object) -> list[float]:
        lengths.append(sum(map(len, completion_ids)) / len(completion_ids))
        return [reward(text) for text in completions]

    config = trl.GRPOConfig(
        str(folder / "trl"),
        max_steps=steps,
        per_device_train_batch_size=case.size.prompts * case.size.siblings,
        num_generations=case.size.siblings,
        max_completion_length=NEW_TOKENS,
        beta=case.beta,
        temperature=1.0,
        **PLAIN,
        **(TUNED if case.tuned else {}),
    )
    rows = Dataset.from_list([{"prompt": prompt} for prompt in prompts()])
    between = Between(lambda seconds: then(seconds, lengths[-1]))
    trl.GRPOTrainer(str(folder / "model"), rewards, config, rows, callbacks=[between]).train()


def dpo(
    folder: Path, rows: list[dict[str, str]], steps: int, then: Callable[[float], None], *, pairs: int, cached: bool
) -> None:
    """Train on rows of `prompt`, `chosen` and `rejected` for `steps` steps of `pairs`; `then` gets the seconds of each.
    `cached` computes the reference before the first step."""
    config = trl.DPOConfig(
        str(folder / "trl"),
        max_steps=steps,
        per_device_train_batch_size=pairs,
        precompute_ref_log_probs=cached,
        **PLAIN,
        **TUNED,
    )
    data = Dataset.from_list(rows)
    trl.DPOTrainer(str(folder / "model"), None, config, train_dataset=data, callbacks=[Between(then)]).train()
