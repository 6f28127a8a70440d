"""What an audit looks at, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from labapp.workshop.dryrun_words import share

State = Literal["seen", "clear", "unknown"]


@dataclass(frozen=True)
class Row:
    """One stored completion: its place, text, number of tokens, rewards by label (None: does not apply), and their
    weighted sum."""

    step: int
    index: int
    group: int
    completion: str
    length: int
    rewards: Mapping[str, float | None]
    total: float | None


@dataclass(frozen=True)
class Shown:
    """A completion that shows it, and what to look at there."""

    row: Row
    words: str


@dataclass(frozen=True)
class Finding:
    """What one audit says: whether its rule is met (`unknown`: there is too little to say), in a sentence with the
    figures, and completions that show it."""

    title: str
    state: State
    what: str
    rule: str
    shown: tuple[Shown, ...] = ()


def part_of(part: int, whole: int) -> str:
    """A part of the whole as hundredths, of which a small one is not none."""
    return "under 1 %" if 0 < part / whole < 0.005 else share(part / whole)


def newest(rows: list[Row]) -> str:
    """The steps that the rows are of, in words."""
    steps = sorted({row.step for row in rows})
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"


def groups_of(rows: list[Row]) -> dict[tuple[int, int], list[Row]]:
    """The rows by (step, group)."""
    found: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row.step, row.group), []).append(row)
    return found
