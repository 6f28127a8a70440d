"""Whole training steps of Merit and of TRL in turn, in one process: ratios of each pair, their median and spread.

    .venv-peers/bin/python -m tests.bench.steps [CASE ...] [--pairs 8] [--threads N]

Each line has seconds of TRL's step and of Merit's right after it. The floor is what a step's matrix products take at
the rate that was measured between the two.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import torch

from tests.bench import models, trees, trl_side
from tests.bench.floor import matmul_rate, step_flops
from tests.bench.merit_side import MeritSide, Taken
from tests.bench.workload import CASES, NEW_TOKENS, Case

WARM_UP = 2


@dataclass(frozen=True)
class Pair:
    """One step of each, and the seconds that Merit's step would take at the floor."""

    trl: float
    trl_length: float
    merit: Taken
    floor: float

    @property
    def ratio(self) -> float:
        """How many times faster Merit was."""
        return self.trl / self.merit.seconds


def main() -> None:
    """Measure the cases that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar=f"CASE ({', '.join(CASES)})")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(f"{chosen.threads} threads on both sides, {chosen.pairs} pairs after {WARM_UP} to warm up")
    for name in chosen.cases or CASES:
        report(CASES[name], measure(CASES[name], chosen.pairs))


def measure(case: Case, count: int) -> list[Pair]:
    """`count` pairs; before them a few that are not counted."""
    pairs: list[Pair] = []
    with tempfile.TemporaryDirectory(prefix="merit-bench-") as made:
        folder = Path(made)
        models.save(folder / "model", case.size, case.end_share, windowed=case.windowed)
        merit = MeritSide(folder, case)
        parameters = merit.learner.policy.model.num_parameters()
        rows = case.size.prompts * case.size.siblings

        def take_turn(seconds: float, length: float) -> None:
            taken = merit.step()
            flops = step_flops(parameters, merit.prompt_tokens(), rows * taken.length, reference=bool(case.beta))
            pairs.append(Pair(seconds, length, taken, flops / matmul_rate(case.size, rows * NEW_TOKENS)))

        trl_side.grpo(folder, case, WARM_UP + count, take_turn)
    return pairs[WARM_UP:]


def report(case: Case, pairs: list[Pair]) -> None:
    """Print one case."""
    ratios = [pair.ratio for pair in pairs]
    low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    spread = f"quartiles {low:.2f} to {high:.2f}, least {min(ratios):.2f}"
    print(f"\n{case.name}: goal {case.goal}, median {middle:.2f} ({spread})")
    print("  ratios   " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    step = median(pair.merit.seconds for pair in pairs)
    for name, found in (
        ("TRL, s", [pair.trl for pair in pairs]),
        ("Merit, s", [pair.merit.seconds for pair in pairs]),
        ("length, TRL", [pair.trl_length for pair in pairs]),
        ("length", [pair.merit.length for pair in pairs]),
        ("x floor", [pair.merit.seconds / pair.floor for pair in pairs]),
        ("books, %", [100 * pair.merit.bookkeeping / pair.merit.seconds for pair in pairs]),
        *(
            (f"{name}, %", [100 * trees.credit_seconds(name, case.size.prompts, case.size.siblings, NEW_TOKENS) / step])
            for name in ("grpo", "tempo")
        ),
    ):
        print(f"  {name:12s} median {median(found):8.3f}, {min(found):.3f} to {max(found):.3f}", flush=True)


if __name__ == "__main__":
    main()
