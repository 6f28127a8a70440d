"""Pairs a second of preference learning (DPO), Merit and TRL in turn, in one process.

    .venv-peers/bin/python -m tests.bench.pairs [CASE ...] [--pairs 8] [--threads N]

Both learn from the same stored pairs of uneven length. As installed TRL asks the reference at each step; `cached` is
TRL told to do so once, before the first step, as Merit does in its first one. Both of these are not in the ratios; the
last line has Merit's share of it in each pair, as if every pair was learned from once.
"""

import argparse
import json
import os
import random
import string
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from tests.bench import models, trl_side
from tests.bench.merit_side import Taken, take
from tests.bench.workload import LEARNING_RATE, NEVER, NEW_TOKENS, PATTERN, prompts
from workers.contract.spec import Budget, Model, Optimiser, Pick, Pool, Prompts, RewardPick, RunSpec
from workers.engine.learner import make_learner

WARM_UP = 2
GOAL = 1.8


@dataclass(frozen=True)
class Case:
    """A model's size, pairs a step, and whether TRL caches the reference too."""

    size: models.Size
    pairs: int
    cached: bool = False


CASES = {
    "3m": Case(models.SIZES["3m"], 32),
    "3m-cached": Case(models.SIZES["3m"], 32, cached=True),
    "25m": Case(models.SIZES["25m"], 16),
    "25m-cached": Case(models.SIZES["25m"], 16, cached=True),
}


def main() -> None:
    """Measure the cases that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar=f"CASE ({', '.join(CASES)})")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(f"{chosen.threads} threads on both sides, {chosen.pairs} pairs of steps after {WARM_UP} to warm up")
    for name in chosen.cases or CASES:
        report(name, measure(CASES[name], chosen.pairs))


def report(name: str, turns: list[tuple[float, Taken]]) -> None:
    """Print one case; the first turn is the one in which Merit reads the reference."""
    counted, pairs = turns[WARM_UP:], CASES[name].pairs
    ratios = [trl / merit.seconds for trl, merit in counted]
    trl, merit = (median(side) for side in zip(*((trl, taken.seconds) for trl, taken in counted), strict=True))
    reading = max(0.0, turns[0][1].seconds - merit) / len(prompts()) * pairs
    print(f"\n{name}: goal {GOAL}, median {median(ratios):.2f}, least {min(ratios):.2f}")
    print("  ratios  " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    print(f"  pairs a second: TRL {pairs / trl:.1f}, Merit {pairs / merit:.1f}")
    print(f"  with the reference's reading: Merit {pairs / (merit + reading):.1f}", flush=True)


def measure(case: Case, count: int) -> list[tuple[float, Taken]]:
    """Seconds of TRL's step, and Merit's step right after it: `count` turns behind those that warm up."""
    turns: list[tuple[float, Taken]] = []
    with tempfile.TemporaryDirectory(prefix="merit-bench-") as made:
        folder, rows = Path(made), stored_pairs()
        models.save(folder / "model", case.size, NEVER)
        learner = make_learner(_spec(folder, rows, case, WARM_UP + count), lambda *_: None)

        def take_turn(seconds: float) -> None:
            turns.append((seconds, take(learner, folder, len(turns) + 1)))

        trl_side.dpo(folder, rows, WARM_UP + count, take_turn, pairs=case.pairs, cached=case.cached)
    return turns


def stored_pairs() -> list[dict[str, str]]:
    """A prompt with two completions of 16 to 47 letters each, so that both sides may add an end to each."""
    dice = random.Random(1)

    def letters() -> str:
        return "".join(dice.choices(string.ascii_lowercase, k=dice.randint(16, NEW_TOKENS - 1)))

    return [{"prompt": prompt, "chosen": letters(), "rejected": letters()} for prompt in prompts()]


def _spec(folder: Path, rows: list[dict[str, str]], case: Case, steps: int) -> RunSpec:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RunSpec(
        name="pairs",
        model=Model(str(folder / "model")),
        prompts=Prompts(path=str(path)),
        rewards=(RewardPick("pattern", "format", {"pattern": PATTERN, "match": "anywhere"}),),
        credit=None,
        objective=Pick("preferences", "dpo"),
        reduction=Pick("reductions", "token_mean"),
        pool=Pool(prompts=0, siblings=2),
        batch_prompts=case.pairs,
        siblings=2,
        max_new_tokens=NEW_TOKENS,
        optimiser=Optimiser(learning_rate=LEARNING_RATE),
        budget=Budget(steps=steps),
    )


if __name__ == "__main__":
    main()
