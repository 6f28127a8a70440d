"""Tasks: how long problems and their reference answers are, and a few examples."""

import random
from collections import Counter
from collections.abc import Mapping

from workers.contract.answers import Problem
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series

DRAWN, SHOWN, SEED = 400, 4, 0


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Bars: how many of 400 problems have a prompt, or an answer, of each length in characters."""
    rng = random.Random(SEED)
    problems: list[Problem] = [call(loaded, {"rng": rng}, params) for _ in range(DRAWN)]
    prompts = Counter(len(problem.prompt) for problem in problems)
    answers = Counter(len(problem.answer) for problem in problems)
    series = [_bars("prompts", prompts), _bars("answers", answers)]
    examples = "; ".join(f"{problem.prompt} → {problem.answer}" for problem in problems[:SHOWN])
    note = f"{len({problem.prompt for problem in problems})} of {DRAWN} problems differ. For example: {examples}"
    return Figure("Length of problems", "bars", Axis("length", "characters"), Axis("problems"), series, note)


def _bars(name: str, counts: Counter[int]) -> Series:
    lengths = sorted(counts)
    return Series(name, list(lengths), [float(counts[length]) for length in lengths])
