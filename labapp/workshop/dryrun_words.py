"""Numbers of a dry run as a page writes them: with few digits, a true minus, and their interval."""

from collections.abc import Mapping
from typing import Any

NOTHING = "–"


def number(value: float | None, digits: int = 3) -> str:
    """With so many digits that count; a dash for None."""
    if value is None:
        return NOTHING
    text = f"{value:.{digits}g}"
    text = f"{value:,.0f}" if "e+" in text else text
    return text.replace("-", "−")


def fixed(value: float | None, digits: int = 2) -> str:
    """With so many digits after the point."""
    return NOTHING if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """With its sign."""
    return number(value, digits) if value is None or value <= 0 else f"+{number(value, digits)}"


def share(value: float | None) -> str:
    """As hundredths."""
    return NOTHING if value is None else f"{100 * value:.0f} %".replace("-", "−")


def interval(figure: Mapping[str, Any], digits: int = 2) -> str:
    """The interval of a figure {value, low, high}; empty where there is none."""
    if figure["low"] is None:
        return ""
    return f"{fixed(figure['low'], digits)} to {fixed(figure['high'], digits)}"


def many(count: int, one: str, more: str = "") -> str:
    """`1 completion`, `2 completions`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
