"""How a dry run is told: numbers with few digits and a true minus, texts in one line, and what was found."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = "–"
HEAD, TAIL = 24, 44  # letters of a text that stand for it in one line: its answer is mostly at its end


@dataclass(frozen=True)
class Finding:
    """A sentence; `state` is bad, warn or ok, `place` the id of the section that shows it."""

    state: str
    what: str
    place: str


def number(value: float | None, digits: int = 3) -> str:
    """With so many digits that count; a dash for None."""
    if value is None:
        return NOTHING
    text = f"{value + 0.0:.{digits}g}"  # which makes 0 of the minus 0 that a penalty of nothing is
    text = f"{value:,.0f}" if "e+" in text else text
    return text.replace("-", "−")


def fixed(value: float | None, digits: int = 2) -> str:
    """With so many digits after the point."""
    return NOTHING if value is None else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """With its sign."""
    return number(value, digits) if value is None or value <= 0 else f"+{number(value, digits)}"


def share(value: float | None) -> str:
    """As hundredths."""
    return NOTHING if value is None else f"{round(100 * value)} %".replace("-", "−")


def interval(figure: Mapping[str, Any], digits: int = 2) -> str:
    """The interval of a figure {value, low, high}; empty where there is none."""
    if figure["low"] is None:
        return ""
    return f"{fixed(figure['low'], digits)} to {fixed(figure['high'], digits)}"


def many(count: int, one: str, more: str = "") -> str:
    """`1 completion`, `2 completions`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def visible(text: str) -> str:
    """A text in which nothing is hidden: control characters as their signs, what only steers the display as a dot."""
    return "".join(map(_sign, text))


def brief(text: str) -> str:
    """A text in one line, long ones by how they begin and end, cut between words where there are any."""
    line = visible(text.replace("\n", " ⏎ "))
    if len(line) <= HEAD + TAIL + 3:
        return line
    head, tail = line[:HEAD].rpartition(" ")[0], line[-TAIL:].partition(" ")[2]
    return f"{head or line[:HEAD]} … {tail or line[-TAIL:]}"


def _sign(letter: str) -> str:
    if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf"):
        return letter
    return chr(0x2400 + ord(letter)) if ord(letter) < 32 else "␡" if letter == "\x7f" else "·"
