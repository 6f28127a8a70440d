"""Combinations: the combined value as one part's value moves and the others stand still."""

from collections.abc import Mapping

import torch

from workers.contract.answers import FINISHED, Answers
from workers.contract.rewardtree import parts_of
from workers.contract.values import Values, as_values
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Progress

STEPS = 41
GRID = [-0.5 + 2 * index / (STEPS - 1) for index in range(STEPS)]  # -0.5 to 1.5
OTHERS = 0.6  # of every part that stands still
LATER = 10, 10  # the last of ten steps


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """A line for each part that moves; a combination of any number is shown with two. What asks for the run's progress
    is shown at the first and at the last step."""
    compose = loaded.method.card.compose
    least, most = parts_of(compose) if compose else (2, 2)
    count = max(least, 2) if most is None else most
    moments = [Progress(1, 10), Progress(*LATER)] if loaded.needs("progress") else [Progress(1, 10)]
    series = [
        Series(_name(moving, count, moment, len(moments)), places(GRID), _line(loaded, params, moving, count, moment))
        for moving in range(count)
        for moment in moments
    ]
    note = f"Other parts stand still at {OTHERS:g}." if count > 1 else ""
    return Figure("Combined value", "lines", Axis("value of the part that moves"), Axis("value"), series, note)


def _name(moving: int, count: int, moment: Progress, moments: int) -> str:
    part = f"part {moving + 1} moves" if count > 1 else "combined"
    return part if moments == 1 else f"{part}, step {moment.step} of {moment.steps}"


def _line(
    loaded: Loaded, params: Mapping[str, object], moving: int, count: int, moment: Progress
) -> list[float | None]:
    parts = [Values(list(GRID) if part == moving else [OTHERS] * len(GRID)) for part in range(count)]
    supplied = {
        "parts": parts,
        "answers": _answers(),
        "groups": (0,) * len(GRID),
        "progress": moment,
        "generator": torch.Generator().manual_seed(0),
    }
    return numbers(as_values(call(loaded, supplied, params)).total)


def _answers() -> Answers:
    count = len(GRID)
    return Answers(("39",) * count, ("12+35-8=",) * count, (8,) * count, (FINISHED,) * count)
