"""Reads what a child answered. Everything in it was chosen by the user's code, so every value is looked at."""

from math import isfinite
from typing import Any

from workers.contract.values import Span
from workers.sandbox.records import SandboxFault, Scores

TOTAL = "reward"  # the part of a dict that is its value, where it has one; else the value is the sum of its parts


def read(given: Any, count: int) -> Scores:
    """Scores of `count` completions; samples whose value is none are faults. SandboxFault: the whole is unusable."""
    if isinstance(given, dict) and isinstance(given.get("parts"), dict):
        rows: Any = _rows(given["parts"], count)
    else:
        rows = given
    if not isinstance(rows, list):
        raise SandboxFault("wrong_count", f"it must return a list with one value a completion, not {_name(given)}")
    if len(rows) != count:
        raise SandboxFault("wrong_count", f"it gave {len(rows)} values for {count} completions")
    scores = Scores([None] * count)
    for index, row in enumerate(rows):
        try:
            _place(scores, index, row)
        except SandboxFault as fault:
            scores.faults.append(fault.at(index))
    return scores


def told(fault: Any) -> SandboxFault:
    """A fault as the child describes it, bounded again."""
    found = fault if isinstance(fault, dict) else {}
    line = found.get("line")
    message, text = str(found.get("message"))[:1000], str(found.get("text", ""))[:4000]
    line = line if isinstance(line, int) else None
    return SandboxFault("memory" if found.get("kind") == "memory" else "raised", message, None, line, text)


def _rows(parts: dict[str, Any], count: int) -> list[Any]:
    """A dict of lists as one dict a completion."""
    for name, column in parts.items():
        if not isinstance(column, list):
            raise SandboxFault("wrong_count", f"the part {name!r} must be a list with one value a completion")
        if len(column) != count:
            raise SandboxFault("wrong_count", f"the part {name!r} has {len(column)} values for {count} completions")
    return [{"parts": {name: column[index] for name, column in parts.items()}} for index in range(count)]


def _place(scores: Scores, index: int, row: Any) -> None:
    if isinstance(row, list):
        tokens = [_number(value, "the value of a token") for value in row]
        if any(value is None for value in tokens):
            raise SandboxFault("not_a_number", "the value of a token is None; give 0.0 where there is nothing to say")
        scores.spans[index] = [Span(n, n + 1, value, "token") for n, value in enumerate(tokens) if value is not None]
        scores.values[index] = sum(span.value for span in scores.spans[index])
    elif isinstance(row, dict) and isinstance(row.get("parts"), dict):
        parts = {name: _number(value, f"the part {name!r}") for name, value in row["parts"].items()}
        for name, value in parts.items():
            scores.components.setdefault(name, [None] * len(scores.values))[index] = value
        there = [value for value in parts.values() if value is not None]
        scores.values[index] = parts[TOTAL] if TOTAL in parts else sum(there) if there else None
    else:
        scores.values[index] = _number(row, "the value")


def _number(value: Any, what: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise SandboxFault("not_a_number", f"{what} is {_name(value)}, which is no number")
    if not isfinite(value):
        raise SandboxFault("not_a_number", f"{what} is {value}, which is no finite number")
    return float(value)


def _name(value: Any) -> str:
    if isinstance(value, dict) and "alien" in value:
        return str(value["alien"])[:120]
    if value is None:
        return "None"
    return "a list" if isinstance(value, list) else "a dict" if isinstance(value, dict) else f"{value!r:.60}"
