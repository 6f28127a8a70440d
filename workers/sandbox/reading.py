"""Looks at single values that a child answered: each was chosen by the user's code."""

from math import isfinite
from typing import Any

from workers.sandbox.records import Kind, SandboxFault

LONGEST_NAME, LONGEST_TEXT, MOST_PARTS = 60, 500, 32


def number(value: Any, what: str, kind: Kind = "not_a_number") -> float | None:
    """A finite number, or None; SandboxFault with the words `what` for anything else."""
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise SandboxFault(kind, f"{what} is {described(value)}, which is no number")
    if not isfinite(value):
        raise SandboxFault(kind, f"{what} is {value}, which is no finite number")
    return float(value)


def parts_of(given: dict[str, Any], numbers_only: bool = False) -> dict[str, float | None]:
    """The components of one completion by name, long and odd names made tame; SandboxFault where one is no number
    (where `numbers_only`, it is left out) or where they are too many to be looked at."""
    parts = given.items() if not numbers_only else [(n, v) for n, v in given.items() if _is_number(v)]
    found = {tame(name): number(value, f"the part {name!r:.60}") for name, value in parts}
    if len(found) > MOST_PARTS:
        raise SandboxFault("wrong_count", f"it has {len(found)} parts; {MOST_PARTS} are allowed")
    return found


def text_of(value: Any) -> str | None:
    """The text that a value is, where it is one."""
    text = value.get("text") if isinstance(value, dict) else None
    return text[:LONGEST_TEXT] if isinstance(text, str) else None


def tame(name: str) -> str:
    """A component's name as it is kept: printable, and not long."""
    return "".join(letter if letter.isprintable() else " " for letter in name).strip()[:LONGEST_NAME] or "?"


def described(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, dict) and "alien" in value:
        return str(value["alien"])[:120]
    if value is None:
        return "None"
    return "a list" if isinstance(value, list) else "a dict" if isinstance(value, dict) else f"{value!r:.60}"


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)
