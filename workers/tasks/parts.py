"""What tasks share: the split of endless problems into a train part and a held-out part that never share a prompt, and
hints from a worked solution."""

import random
from collections.abc import Callable
from hashlib import blake2b

from workers.contract.answers import Problem

TRAIN = "train"
HELDOUT = "heldout"
PARTS = (TRAIN, HELDOUT)
HELDOUT_ONE_IN = 10
# Each try misses the held-out part with 9 chances in 10: a thousand misses in a row (1e-46) mean that the task has
# no problem there at all.
TRIES = 1000


def part_of(prompt: str) -> str:
    """The part that a prompt belongs to: decided by its text alone, so it is the same for every seed and machine."""
    number = int.from_bytes(blake2b(prompt.encode(), digest_size=8).digest(), "big")
    return HELDOUT if number % HELDOUT_ONE_IN == 0 else TRAIN


def draw(problem: Callable[..., Problem], rng: random.Random, part: str = TRAIN, **params: object) -> Problem:
    """The next problem of `part` that `problem(rng, **params)` poses.

    Raises ValueError when the part is unknown, or when a thousand draws in a row belong to the other part.
    """
    if part not in PARTS:
        raise ValueError(f"part is one of {', '.join(PARTS)}, not {part!r}")
    for _ in range(TRIES):
        found = problem(rng, **params)
        if part_of(found.prompt) == part:
            return found
    raise ValueError(f"the task poses too few different problems: none of {TRIES} draws belongs to the part {part!r}")


def hints_of(steps: list[str]) -> list[str]:
    """Beginnings of a worked solution, weak to strong: each step without its result, then with it."""
    hints: list[str] = []
    for done, step in enumerate(steps):
        before = [*steps[:done], step.partition("=")[0] + "="], [*steps[:done], step]
        hints += [";".join(begun) for begun in before]
    return hints
