"""What rewards say of recorded completions as a whole: their means, and how often they agree with the labels."""

from collections.abc import Mapping, Sequence

from workers.engine.scoring import Column, Scored

RIGHT = 0.5  # a reward or a label that reaches it counts as right when the two are compared


def means(scored: Scored) -> dict[str, float]:
    """The mean of each reward, and of their weighted sum, over the completions that it applies to."""
    columns = {"total": scored.total, **scored.values}
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
