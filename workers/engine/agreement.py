"""What rewards say of recorded completions as a whole: their means, and how often they agree with the labels."""

import re
from collections.abc import Mapping, Sequence

from workers.engine.scoring import Column, Scored

UNFIT, LONGEST_NAME = re.compile(r"[^\w .:@()+/-]"), 60
RIGHT = 0.5  # a reward or a label that reaches it counts as right when the two are compared


def means(scored: Scored) -> dict[str, float]:
    """The mean of each reward, of their weighted sum, and of the rewards' parts, over the completions that it applies
    to."""
    return _means({"total": scored.total, **scored.values}) | part_means(scored)


def part_means(scored: Scored) -> dict[str, float]:
    """The mean of each part of each reward as `<reward's curve>/<part>`, names made fit for a curve; a part that says
    the same as its reward has none of its own."""
    found: dict[str, Column] = {}
    for label, parts in scored.parts.items():
        for name, column in parts.items():
            if list(column) != scored.values[label]:
                found.setdefault(f"{label}/{UNFIT.sub('_', name)[:LONGEST_NAME]}", list(column))
    return _means(found)


def _means(columns: Mapping[str, Column]) -> dict[str, float]:
    found = {name: [value for value in column if value is not None] for name, column in columns.items()}
    return {f"reward/{name}": sum(values) / len(values) for name, values in found.items() if values}


def agreement(values: Mapping[str, Column], labels: Sequence[float | None]) -> dict[str, float]:
    """Of the labelled completions that a reward judged, the share on which both say right or both say wrong."""
    shares = {}
    for name, column in values.items():
        pairs = zip(column, labels, strict=True)
        judged = [(value, label) for value, label in pairs if value is not None and label is not None]
        same = [(value >= RIGHT) == (label >= RIGHT) for value, label in judged]
        if same:
            shares[f"agreement/{name}"] = sum(same) / len(same)
    return shares
