"""Pairs a second of preference learning (DPO), Merit and TRL in turn, in one process.

    .venv-peers/bin/python -m tests.bench.pairs [CASE ...] [--pairs 8] [--threads N]

Both learn from the same stored pairs of uneven length. `cached` is TRL told to compute the reference once, as Merit
always does; as installed it does so at each step.
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
        turns = measure(CASES[name], chosen.pairs)
        ratios = [trl / merit.seconds for trl, merit in turns]
        speeds = [
            CASES[name].pairs / median(side) for side in zip(*((trl, m.seconds) for trl, m in turns), strict=True)
        ]
        print(f"\n{name}: goal {GOAL}, median {median(ratios):.2f}, least {min(ratios):.2f}")
        print("  ratios  " + " ".join(f"{ratio:.2f}" for ratio in ratios))
        print(f"  pairs a second: TRL {speeds[0]:.1f}, Merit {speeds[1]:.1f}", flush=True)


def measure(case: Case, count: int) -> list[tuple[float, Taken]]:
    """Seconds of TRL's step, and Merit's step right after it, `count` times."""
    turns: list[tuple[float, Taken]] = []
    with tempfile.TemporaryDirectory(prefix="merit-bench-") as made:
        folder, rows = Path(made), stored_pairs()
        models.save(folder / "model", case.size, NEVER)
        learner = make_learner(_spec(folder, rows, case, WARM_UP + count), lambda *_: None)

        def take_turn(seconds: float) -> None:
            turns.append((seconds, take(learner, folder, len(turns) + 1)))

        trl_side.dpo(folder, rows, WARM_UP + count, take_turn, pairs=case.pairs, cached=case.cached)
    return turns[WARM_UP:]


def stored_pairs() -> list[dict[str, str]]:
    """A prompt with two completions of 16 to 47 letters each: PATTERN is in the chosen one only."""
    dice = random.Random(1)

    def letters() -> str:
        return "".join(dice.choices(string.ascii_lowercase, k=dice.randint(14, NEW_TOKENS - 3)))

    return [{"prompt": prompt, "chosen": "aA" + letters(), "rejected": letters() + "zz"} for prompt in prompts()]


def _spec(folder: Path, rows: list[dict[str, str]], case: Case, steps: int) -> RunSpec:
    lines = [{"prompt": row["prompt"], "completion": row[side]} for row in rows for side in ("chosen", "rejected")]
    path = folder / "completions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
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
