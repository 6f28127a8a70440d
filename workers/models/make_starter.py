"""Makes the starter model from nothing: `python -m workers.models.make_starter --out DIR --seed N`.

A small Llama over bytes learns, by plain next-token prediction, from a mixture of careful solutions (steps shown,
right) and careless ones (straight answer, mostly wrong). It ends up fluent in both, so reward has something to
discover. Nothing is downloaded; on one machine the same seed, steps and threads give the same weights.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from workers.models.starter_exam import sampled_accuracy
from workers.models.starter_parts import EOS, PAD, make_model, save
from workers.tasks import arithmetic, countdown, sorting
from workers.tasks.parts import TRAIN, draw

# The guided run plays on arithmetic level 2; its neighbours keep the model usable elsewhere at little cost.
DIET: tuple[tuple[ModuleType, int, float], ...] = (
    (arithmetic, 2, 0.64),
    (arithmetic, 1, 0.08),
    (arithmetic, 3, 0.12),
    (countdown, 1, 0.08),
    (sorting, 1, 0.08),
)
GUIDED = DIET[0]


@dataclass(frozen=True)
class Recipe:
    """How the model is made. `careful_share` is the share of careful solutions that it ends on: it starts with careful
    ones only, since skill takes long to learn and habit does not, and falls to this share at `mixed_from` (a part of
    the steps)."""

    seed: int = 0
    steps: int = 3000
    sequences: int = 128
    learning_rate: float = 3e-3
    careful_share: float = 0.42
    mixed_from: float = 0.8
    threads: int = 2

    def share_at(self, step: int) -> float:
        """The share of careful solutions in the batch of `step`."""
        done = min(1.0, step / max(1.0, self.mixed_from * self.steps))
        return 1.0 - (1.0 - self.careful_share) * done


def write_batch(rng: random.Random, size: int, careful_share: float) -> tuple[Tensor, Tensor]:
    """`size` solved train problems as (tokens, targets), both (size, longest): a target is the next token where the
    model is to learn it, and -100 on the prompt and behind the end."""
    parts = rng.choices(DIET, [share for *_, share in DIET], k=size)
    rows = []
    for task, level, _ in parts:
        problem = draw(task.problem, rng, TRAIN, level=level)
        text = task.solution(rng, problem, careful=rng.random() < careful_share)
        rows.append((list(problem.prompt.encode()), [*text.encode(), EOS]))
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    token = torch.full((size, longest), PAD)
    target = torch.full((size, longest), -100)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        token[row, :end] = torch.tensor(prompt + answer)
        target[row, len(prompt) - 1 : end - 1] = torch.tensor(answer)
    return token, target


def train(recipe: Recipe, report: Callable[[int, float], None]) -> LlamaForCausalLM:
    """The trained model; `report(step, loss)` is called after every step (loss in nats a token)."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    model = make_model()
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps + 1, pct_start=0.06, cycle_momentum=False
    )
    for step in range(recipe.steps):
        token, target = write_batch(rng, recipe.sequences, recipe.share_at(step))
        # Padding stands behind every row, so causal attention never sees it and no mask is needed.
        logits = model(input_ids=token, use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        report(step + 1, float(loss.detach()))
    model.train(False)
    return model


def main() -> None:
    """Train with a progress bar, save, and print a closing evaluation on held-out problems."""
    parser = argparse.ArgumentParser(prog="python -m workers.models.make_starter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its tokenizer")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="supervised steps")
    parser.add_argument("--careful-share", type=float, default=Recipe.careful_share)
    parser.add_argument("--threads", type=int, default=Recipe.threads, help="processor cores to use")
    parser.add_argument("--problems", type=int, default=2000, help="held-out problems of the closing evaluation")
    chosen = parser.parse_args()
    recipe = Recipe(chosen.seed, chosen.steps, careful_share=chosen.careful_share, threads=chosen.threads)
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        line = bar.add_task("starter model", total=recipe.steps)
        model = train(recipe, lambda step, loss: bar.update(line, completed=step, description=f"loss {loss:.3f}"))
    save(model, chosen.out)
    print(f"{model.num_parameters():,} parameters, {time.monotonic() - started:.0f} s, saved in {chosen.out}")
    for task, level, _ in DIET:
        shares = sampled_accuracy(model, task, level, count=chosen.problems, seed=1)
        print(task.__name__.rpartition(".")[2], level, json.dumps({k: round(v, 3) for k, v in shares.items()}))


if __name__ == "__main__":
    main()
