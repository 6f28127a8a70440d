"""Combinations: the combined value as one part's value moves and the others stand still."""

from collections.abc import Mapping, Sequence

import torch

from workers.contract.answers import FINISHED, Answers
from workers.contract.rewardtree import parts_of
from workers.contract.values import Values, as_values
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Progress

STEPS = 41
GRID = [-0.5 + 2 * index / (STEPS - 1) for index in range(STEPS)]  # -0.5 to 1.5
STILL = (0.5, 1.0)  # where the other parts stand
MOMENTS = (Progress(1, 10), Progress(10, 10))


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """A line for each part that moves and each place of the others; a combination of any number is shown with two. One
    of a single part that asks for the run's progress is shown at the first and at the last step."""
    compose = loaded.method.card.compose
    least, most = parts_of(compose) if compose else (2, 2)
    count = max(least, 2) if most is None else most
    if count == 1:
        moments = MOMENTS if loaded.needs("progress") else MOMENTS[:1]
        names = [f"step {m.step} of {m.steps}" if len(moments) > 1 else loaded.method.card.title for m in moments]
        series = [_series(name, _line(loaded, params, 0, [0.0], m)) for name, m in zip(names, moments, strict=True)]
    else:
        series = [
            _series(f"part {moving + 1} moves, others {still:g}", _line(loaded, params, moving, [still] * count))
            for moving in range(count)
            for still in STILL
        ]
    note = "Each line moves one part, over completions of one group, and leaves the others where they are."
    return Figure("Combined value", "lines", Axis("value of the part that moves"), Axis("value"), series, note)


def _series(name: str, line: Sequence[float | None]) -> Series:
    return Series(name, places(GRID), line)


def _line(
    loaded: Loaded, params: Mapping[str, object], moving: int, still: list[float], moment: Progress = MOMENTS[0]
) -> list[float | None]:
    parts = [Values(list(GRID) if part == moving else [value] * STEPS) for part, value in enumerate(still)]
    supplied = {
        "parts": parts,
        "answers": Answers(("39",) * STEPS, ("12+35-8=",) * STEPS, (8,) * STEPS, (FINISHED,) * STEPS),
        "groups": (0,) * STEPS,
        "progress": moment,
        "generator": torch.Generator().manual_seed(0),
    }
    return numbers(as_values(call(loaded, supplied, params)).total)
