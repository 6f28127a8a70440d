"""Audits of rewards: one that drowns the others, and one that has nothing more to give."""

from collections.abc import Mapping
from statistics import fmean

from labapp.observatory.health.finding import Finding, Row, Shown, newest, part_of
from labapp.workshop.dryrun_words import number
from labapp.workshop.dryrun_words import share as words

DOMINATES, SATURATED = 0.9, 0.95
MOST_SHOWN = 5


def dominance(rows: list[Row], weights: Mapping[str, float]) -> Finding:
    """The share of each reward in the variance of their weighted sum: its covariance with the sum over the variance of
    the sum, so that the shares add up to one."""
    title = "One reward dominates"
    rule = f"Seen where one reward makes at least {words(DOMINATES)} of the variance of the sum."
    scored = [row for row in rows if row.total is not None]
    totals = [row.total or 0.0 for row in scored]
    variance = _covariance(totals, totals) if scored else 0.0
    if len(weights) < 2 or variance <= 0:
        why = "There is one reward only." if len(weights) < 2 else "The sum does not vary."
        return Finding(title, "unknown", why, rule)
    shares = {
        label: _covariance([weight * (row.rewards.get(label) or 0.0) for row in scored], totals) / variance
        for label, weight in weights.items()
    }
    told = ", ".join(f"{label} {words(share)}" for label, share in sorted(shares.items(), key=lambda one: -one[1]))
    label, share = max(shares.items(), key=lambda one: one[1])
    by_value = sorted(scored, key=lambda row: row.rewards.get(label) or 0.0)
    shown = tuple(
        Shown(row, f"{label} {number(row.rewards.get(label) or 0.0, 4)}") for row in (by_value[-1], by_value[0])
    )
    what = f"Shares of the variance in {newest(rows)}: {told}."
    return Finding(title, "seen" if share >= DOMINATES else "clear", what, rule, shown)


def saturation(rows: list[Row], label: str) -> Finding:
    """How many completions have the best value that was seen of a reward."""
    title = f"{label} is saturated"
    rule = f"Seen where at least {words(SATURATED)} of the completions have the best value that was seen."
    scored = [(row, value) for row in rows if (value := row.rewards.get(label)) is not None]
    if not scored or len({value for _, value in scored}) == 1:
        same = "It has one value throughout: it tells nothing apart." if scored else "It has no values."
        return Finding(title, "seen" if scored else "unknown", same, rule, _some(scored))
    best = max(value for _, value in scored)
    at_best = [(row, value) for row, value in scored if value == best]
    share = len(at_best) / len(scored)
    what = (
        f"{len(at_best):,} of {len(scored):,} completions in {newest(rows)} have its best value, {number(best, 4)} "
        f"({part_of(len(at_best), len(scored))})."
    )
    return Finding(title, "seen" if share >= SATURATED else "clear", what, rule, _some(at_best))


def _some(scored: list[tuple[Row, float]]) -> tuple[Shown, ...]:
    return tuple(Shown(row, number(value, 4)) for row, value in scored[:MOST_SHOWN])


def _covariance(first: list[float], second: list[float]) -> float:
    means = fmean(first), fmean(second)
    return fmean((a - means[0]) * (b - means[1]) for a, b in zip(first, second, strict=True))
