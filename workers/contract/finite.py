"""Values of rewards that can be learned from: finite numbers."""

from dataclasses import replace

from workers.contract.values import Values

LARGEST = 3.4028234663852886e38  # in single precision, in which is learned


def is_value(given: object) -> bool:
    """Whether a reward may say it: a finite number, not too large."""
    return isinstance(given, int | float) and abs(given) <= LARGEST


def told_apart(values: Values) -> Values:
    """Totals that are no finite numbers, which would end a run, as failures beside the values of the others."""
    found = [(n, value) for n, value in enumerate(values.total) if value is not None and not is_value(value)]
    wrong = {n: f"{value!r:.60} is no finite number" for n, value in found}
    total = [None if n in wrong else value for n, value in enumerate(values.total)]
    return replace(values, total=total, faults={**values.faults, **wrong}) if wrong else values
