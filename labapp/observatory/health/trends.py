"""Audits of curves: lengths that drift, entropy that collapses, a reward that rises while a held-out one falls."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from labapp.observatory.health.finding import Finding, Row, Shown
from labapp.workshop.dryrun_words import number, share, signed

Points = Sequence[tuple[int, float]]  # (step, value), by step
LEAST = 8  # points that a line needs before it says anything
DRIFT, COLLAPSE = 0.25, 0.2
Z95 = 1.959963984540054
MOST_SHOWN = 5


@dataclass(frozen=True)
class Line:
    """A straight line by least squares: change a step, and its 95 % interval as if the points were independent."""

    slope: float
    low: float
    high: float

    @property
    def rises(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.low > 0

    @property
    def falls(self) -> bool:
        """Whether the whole interval is below zero."""
        return self.high < 0


def line(points: Points) -> Line | None:
    """The line through the points; None where there are too few of them."""
    if len(points) < LEAST:
        return None
    steps, values = [step for step, _ in points], [value for _, value in points]
    middle, mean = fmean(steps), fmean(values)
    spread = sum((step - middle) ** 2 for step in steps)
    slope = sum((step - middle) * (value - mean) for step, value in points) / spread
    rest = sum((value - mean - slope * (step - middle)) ** 2 for step, value in points)
    half = Z95 * sqrt(rest / (len(points) - 2) / spread)
    return Line(slope, slope - half, slope + half)


def length_drift(points: Points, rows: list[Row]) -> Finding:
    """Completions that become longer or shorter over the run."""
    title = "Lengths drift"
    much = f"{share(DRIFT)} of the first lengths"
    rule = f"Seen where a straight line through mean lengths surely changes by at least {much}."
    found = line(points)
    if found is None:
        return Finding(title, "unknown", f"Fewer than {LEAST} steps are stored.", rule)
    start = fmean(value for _, value in points[: max(1, len(points) // 10)])
    change = found.slope * (points[-1][0] - points[0][0])
    sure = found.rises or found.falls
    what = (
        f"Mean length changes by {signed(change)} tokens over steps {points[0][0]} to {points[-1][0]} "
        f"(from {number(start)}; {signed(found.slope)} a step, 95 % {signed(found.low)} to {signed(found.high)})."
    )
    far = sorted(rows, key=lambda row: row.length, reverse=found.slope > 0)[:MOST_SHOWN]
    shown = tuple(Shown(row, f"{row.length} tokens") for row in far)
    return Finding(title, "seen" if sure and start > 0 and abs(change) >= DRIFT * start else "clear", what, rule, shown)


def entropy_collapse(points: Points, rows: list[Row]) -> Finding:
    """A policy that hardly varies any more."""
    title, rule = (
        "Entropy collapses",
        f"Seen where the last tenth of the run has under {share(COLLAPSE)} of the first's entropy.",
    )
    if len(points) < LEAST:
        return Finding(title, "unknown", f"Fewer than {LEAST} steps have an entropy.", rule)
    tenth = max(1, len(points) // 10)
    first, last = fmean(value for _, value in points[:tenth]), fmean(value for _, value in points[-tenth:])
    was, now = number(first), number(last)
    what = f"Mean entropy was {was} nats a token in the first tenth of the run and is {now} in the last."
    shown = tuple(Shown(row, "of the newest step") for row in rows[:MOST_SHOWN])
    return Finding(title, "seen" if first > 0 and last < COLLAPSE * first else "clear", what, rule, shown)


def parting(training: Points, heldout: Points, name: str, rows: list[Row]) -> Finding:
    """A training reward that rises while a held-out one falls, over the second half of the run."""
    title = f"Reward rises, held-out {name} falls"
    rule = "Seen where, over the second half of the run, one line surely rises and the other surely falls."
    lines = line(_second_half(training)), line(_second_half(heldout))
    if lines[0] is None or lines[1] is None:
        few = "training" if lines[0] is None else "held-out"
        return Finding(title, "unknown", f"Fewer than {LEAST} {few} points lie in the second half of the run.", rule)
    what = f"Training {_told(lines[0])}; held-out {_told(lines[1])}."
    best = sorted((row for row in rows if row.total is not None), key=lambda row: -(row.total or 0.0))[:MOST_SHOWN]
    shown = tuple(Shown(row, f"earned {number(row.total, 4)}") for row in best)
    return Finding(title, "seen" if lines[0].rises and lines[1].falls else "clear", what, rule, shown)


def _second_half(points: Points) -> Points:
    return points[len(points) // 2 :]


def _told(found: Line) -> str:
    return f"{signed(found.slope)} a step (95 % {signed(found.low)} to {signed(found.high)})"
