"""Makes a starter model from nothing: `python -m workers.models.make_starter --kind starter --out DIR --seed N`.

A small Llama learns, by plain next-token prediction, from a mixture of careful solutions (steps shown, right) and
careless ones (straight answer, mostly wrong). It ends up fluent in both, so reward has something to discover. The kind
`starter` reads bytes and knows sums; `skills` reads word pieces and knows tools, SQL, orders, judgements, and how users
react. Nothing is downloaded; on one machine the same seed, steps and threads give the same weights.
"""

import argparse
import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from workers.models.diet import Dish, tokens, write
from workers.models.starter_exam import sampled_accuracy
from workers.models.starters import KINDS, Kind, Recipe

KEEP_EVERY = 500  # steps after which what has been learned so far is written


def train(
    kind: Kind,
    recipe: Recipe,
    report: Callable[[LlamaForCausalLM, int, float], None],
    begun: LlamaForCausalLM | None = None,
) -> LlamaForCausalLM:
    """The trained model, `begun` or a new one; `report(model, step, loss)` is called after every step (loss in nats a
    token)."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    tokenizer, model = kind.make_tokenizer(), begun or kind.make_model()
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps + 1, pct_start=0.06, cycle_momentum=False
    )
    for step in range(recipe.length):
        parts = list(_parts(rng, tokenizer, recipe.diet or kind.diet, recipe, step))
        learned = sum(int((target >= 0).sum()) for _, target in parts)
        optimiser.zero_grad()
        total = 0.0
        for token, target in parts:
            # Padding stands behind every row, so causal attention never sees it and no mask is needed.
            logits = model(input_ids=token, use_cache=False).logits
            mean = cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)
            loss = mean * (int((target >= 0).sum()) / learned)
            torch.autograd.backward(loss)
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        report(model, step + 1, total)
    model.train(False)
    return model


def _parts(
    rng: random.Random, tokenizer: PreTrainedTokenizerFast, diet: tuple[Dish, ...], recipe: Recipe, step: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batch of a step as (tokens, targets), in parts of like lengths where there are several."""
    dialogues = write(rng, diet, recipe.sequences, recipe.share_at(step))
    if recipe.parts > 1:
        dialogues = sorted(dialogues, key=lambda dialogue: len(dialogue.prompt) + sum(map(len, dialogue.turns)))
    size = -(-len(dialogues) // recipe.parts)
    for start in range(0, len(dialogues), size):
        yield tokens(tokenizer, dialogues[start : start + size])


def main() -> None:
    """Train, save, and print a closing evaluation on held-out problems."""
    parser = argparse.ArgumentParser(prog="python -m workers.models.make_starter", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="starter", help="which of the starter models")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its tokenizer")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, help="supervised steps")
    parser.add_argument("--careful-share", type=float, help="share of careful solutions at the end")
    parser.add_argument("--threads", type=int, help="processor cores to use")
    parser.add_argument("--problems", type=int, default=2000, help="held-out problems of the closing evaluation")
    chosen = parser.parse_args()
    kind = KINDS[chosen.kind]
    given = {name: getattr(chosen, name) for name in ("seed", "steps", "careful_share", "threads")}
    given = {name: value for name, value in given.items() if value is not None}
    started = time.monotonic()
    model = None
    for number, recipe in enumerate(kind.recipes, 1):
        # The next course begins with the numbers of the file.
        model = _shown(kind, replace(recipe, **given), chosen.out, f"course {number} of {len(kind.recipes)}", model)
        kind.save(model, chosen.out)
    assert model is not None
    print(f"{model.num_parameters():,} parameters, {time.monotonic() - started:.0f} s, saved in {chosen.out}")
    for dish in kind.diet:
        shares = sampled_accuracy(kind, model, dish, count=chosen.problems, seed=1)
        figures = json.dumps({name: round(share, 3) for name, share in shares.items()})
        print(dish.task.__name__.rpartition(".")[2], dish.level, figures, flush=True)


def _shown(kind: Kind, recipe: Recipe, out: Path, name: str, begun: LlamaForCausalLM | None) -> LlamaForCausalLM:
    """One course with a progress bar; what has been learned so far is written now and then."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        line = bar.add_task(name, total=recipe.length)

        def report(model: LlamaForCausalLM, step: int, loss: float) -> None:
            bar.update(line, completed=step, description=f"{name}, loss {loss:.3f}")
            if step % KEEP_EVERY == 0 and step < recipe.length:
                kind.save(copy.deepcopy(model), out)

        return train(kind, recipe, report, begun)


if __name__ == "__main__":
    main()
