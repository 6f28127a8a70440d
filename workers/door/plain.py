"""Values as PostgreSQL takes them: no NUL, no lone surrogate, no number that JSON cannot hold."""

from collections.abc import Mapping
from math import isfinite
from typing import Any


def plain(value: Any) -> Any:
    """A JSON value that jsonb stores. What a number is not (NaN, infinite) becomes null; NUL is shown as its sign.

    A policy over bytes does write NUL and halves of characters; they must not fail the step that shows them.
    """
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    return plain_text(str(value))


def plain_text(text: str) -> str:
    """Text that a PostgreSQL text column stores."""
    text = text.replace("\x00", "␀")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
