"""Numbers that a function logs beside its values, by `log_metric` and `log_extra`, as components."""

from typing import Any

from workers.sandbox.reading import MOST_PARTS, number, tame, text_of
from workers.sandbox.records import SandboxFault, Scores


def add_logged(scores: Scores, reply: dict[str, Any], count: int) -> None:
    """A metric is the same for every completion (the mean, where it was logged several times); an extra column has a
    number for each, or texts, which are notes. Names that the function's parts have are theirs.

    SandboxFault: what was logged is no number, or not as many as completions, or there is too much of it.
    """
    found: dict[str, list[float | None]] = {}
    for name, values in _parts(reply.get("metrics")).items():
        known = [each for value in values if (each := number(value, f"the metric {name!r:.60}")) is not None]
        found[tame(name)] = [sum(known) / len(known) if known else None] * count
    for name, values in _parts(reply.get("extras")).items():
        if len(values) != count:
            what = f"the extra column {name!r:.60} has {len(values)} values for {count} completions"
            raise SandboxFault("wrong_count", what)
        texts = [(index, text) for index, value in enumerate(values) if (text := text_of(value)) is not None]
        for index, text in texts:
            scores.note(index, tame(name), text)
        if not texts:
            found[tame(name)] = [number(value, f"the extra column {name!r:.60}") for value in values]
    if len(found) > MOST_PARTS:
        raise SandboxFault("wrong_count", f"it logs {len(found)} numbers by name; {MOST_PARTS} are allowed")
    for name, column in found.items():
        scores.components.setdefault(name, column)


def _parts(given: Any) -> dict[str, list[Any]]:
    parts = given.get("parts") if isinstance(given, dict) else None
    return {name: each for name, each in parts.items() if isinstance(each, list)} if isinstance(parts, dict) else {}
