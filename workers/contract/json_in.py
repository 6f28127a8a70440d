"""Where in a completion JSON stands, read within bounds: what a policy writes must not keep a reward busy."""

import json
import re
from math import isfinite
from typing import Any

LONGEST, DEEPEST, DIGITS, STARTS = 20_000, 50, 300, 50


def json_in(text: str, where: str = "anywhere") -> tuple[Any] | None:
    """The JSON of a completion in a bracket of its own, since it may be null; None where there is none, or it is too
    much (`LONGEST` letters of text, `DEEPEST` levels, `DIGITS` digits).

    `where` is `whole` (the whole text), `fenced` (the last closed block between fences) or `anywhere` (the whole text,
    else the first object or list that can be read).
    """
    if len(text) > LONGEST:
        return None
    if where == "fenced":
        blocks = text.split("```")[1:-1:2]
        return _parsed(blocks[-1].removeprefix("json")) if blocks else None
    whole = _parsed(text)
    if whole is not None or where == "whole":
        return whole
    starts = (match.start() for match in re.finditer(r"[\[{]", text))
    for start, _ in zip(starts, range(STARTS), strict=False):
        found = _parsed(text[start:], alone=False)
        if found is not None:
            return found
    return None


def _parsed(text: str, *, alone: bool = True) -> tuple[Any] | None:
    decoder = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_no_number)
    try:
        value = decoder.decode(text.strip()) if alone else decoder.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
    return (value,) if _depth(value) <= DEEPEST else None


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _real(digits: str) -> float:
    if not isfinite(float(digits)):
        raise ValueError("too large")
    return float(digits)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any, most: int = DEEPEST + 1) -> int:
    """The levels of a value, counted up to `most`."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(part, most - 1) for part in inside), default=0) if most > 0 else 1
