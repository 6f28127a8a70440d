"""Audits of groups: those without any difference to learn from, and those that say the same thing again and again."""

from collections import Counter

from labapp.observatory.health.finding import Finding, Row, Shown, groups_of, newest, part_of
from labapp.workshop.dryrun_words import number

MOST_SHOWN = 5
HALF = 0.5


def zero_variance(rows: list[Row]) -> Finding:
    """Groups whose completions all earned the same."""
    title, rule = "Groups without a difference", "Seen where at least half of the groups have equal rewards throughout."
    groups = [group for group in groups_of(rows).values() if len(group) > 1]
    if not groups:
        return Finding(title, "unknown", "No group with two completions is stored.", rule)
    # One that a reward does not apply to, or failed on, is no difference to learn from.
    flat = [group for group in groups if len({row.total for row in group if row.total is not None}) < 2]
    share = len(flat) / len(groups)
    what = (
        f"{len(flat):,} of {len(groups):,} groups in {newest(rows)} have no variance: group-relative credit learns "
        "nothing from them."
    )
    shown = tuple(
        Shown(group[0], f"all {len(group)} of its group earned {_earned(group)}") for group in flat[:MOST_SHOWN]
    )
    return Finding(title, "seen" if share >= HALF else "clear", what, rule, shown)


def duplicates(rows: list[Row]) -> Finding:
    """Completions that another of the same group repeats word for word."""
    title, rule = "Repeated completions", "Seen where at least half of the completions repeat another of their group."
    groups = [group for group in groups_of(rows).values() if len(group) > 1]
    count = sum(map(len, groups))
    if not count:
        return Finding(title, "unknown", "No group with two completions is stored.", rule)
    repeats = [(len(group) - len({row.completion for row in group}), group) for group in groups]
    total = sum(number for number, _ in repeats)
    what = (
        f"{total:,} of {count:,} completions in {newest(rows)} repeat another of their group ({part_of(total, count)})."
    )
    most = sorted(repeats, key=lambda pair: -pair[0])[:MOST_SHOWN]
    shown = tuple(_most_common(group) for number, group in most if number)
    return Finding(title, "seen" if total / count >= HALF else "clear", what, rule, shown)


def _most_common(group: list[Row]) -> Shown:
    text, times = Counter(row.completion for row in group).most_common(1)[0]
    first = next(row for row in group if row.completion == text)
    return Shown(first, f"said {times} times by {len(group)} siblings")


def _earned(group: list[Row]) -> str:
    found = [row.total for row in group if row.total is not None]
    if not found:
        return "nothing"
    return number(found[0], 4) + (" or nothing" if len(found) < len(group) else "")
