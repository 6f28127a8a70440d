"""One thing that a person may set, and whether a value is within its limit: said the same by form, file and engine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workers.contract.addresses import KEY_PREFIX, is_address, is_key
from workers.contract.card import Choice, Flag, Limit, Real, Text, Whole


@dataclass(frozen=True)
class Param:
    """One thing that a person may set: its name, limit, words for the form, and default (None: must be given)."""

    name: str
    limit: Limit
    words: str
    default: object


SCHEDULE = ("start", "end", "share")


def is_schedule(value: object) -> bool:
    """Whether a parameter's value says how it changes over a run, instead of one number."""
    return isinstance(value, Mapping)


def at(value: object, share: float) -> object:
    """The value when `share` of the run's steps is done: itself, or the schedule's point on its straight line."""
    if not isinstance(value, Mapping):
        return value
    over = float(value["share"])
    done = 1.0 if over <= 0 else min(1.0, share / over)
    return float(value["start"]) + done * (float(value["end"]) - float(value["start"]))


def problem_with(param: Param, value: object) -> str | None:
    """Why `value` may not be this parameter's, as a sentence; None when it may."""
    limit = param.limit
    if isinstance(value, Mapping):
        return _schedule_problem(param, value)
    if isinstance(limit, Flag):
        return None if isinstance(value, bool) else f"{param.name} is yes or no, not {value!r}"
    if isinstance(limit, Choice):
        return None if value in limit.options else f"{param.name} is one of {', '.join(limit.options)}, not {value!r}"
    if isinstance(limit, Text):
        return _text_problem(param.name, limit, value)
    return _number_problem(param.name, limit, value)


def _schedule_problem(param: Param, value: Mapping[str, object]) -> str | None:
    if not isinstance(param.limit, Real):
        return f"{param.name} is no real number, so it cannot follow a schedule"
    if set(value) != set(SCHEDULE):
        return f"{param.name}: a schedule has {', '.join(SCHEDULE)}, not {', '.join(map(str, value)) or 'nothing'}"
    whole = Param("share", Real(0, 1), "", 1.0)
    ends = (problem_with(Param(param.name, param.limit, "", None), value[name]) for name in ("start", "end"))
    return next((one for one in (*ends, problem_with(whole, value["share"])) if one is not None), None)


def _text_problem(name: str, limit: Text, value: object) -> str | None:
    if not isinstance(value, str):
        return f"{name} is text, not {value!r}"
    if not value and not limit.empty:
        return f"{name} may not be empty"
    if len(value) > limit.longest:
        return f"{name} has {len(value)} characters; at most {limit.longest}"
    if value and limit.address and not is_address(value):
        return f"{name} is an address such as http://host:8000/v1, without name, password or query"
    if value and limit.key and not is_key(value):
        return f"{name} names a variable {KEY_PREFIX}… of the worker's environment, not {value!r:.60}"
    return _pattern_problem(name, value) if limit.pattern else None


def _pattern_problem(name: str, value: str) -> str | None:
    try:
        re.compile(value)
    except re.error as error:
        return f"{name} is not a regular expression: {error}"
    return None


def _number_problem(name: str, limit: Real | Whole, value: object) -> str | None:
    whole = isinstance(limit, Whole)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return f"{name} is a {'whole ' if whole else ''}number, not {value!r}"
    if value != value or value in (float("inf"), float("-inf")):
        return f"{name} must be finite"
    open_low, open_high = getattr(limit, "open_low", False), getattr(limit, "open_high", False)
    if limit.low is not None and (value < limit.low or (open_low and value == limit.low)):
        return f"{name} must be {'more than' if open_low else 'at least'} {limit.low}, not {value}"
    if limit.high is not None and (value > limit.high or (open_high and value == limit.high)):
        return f"{name} must be {'less than' if open_high else 'at most'} {limit.high}, not {value}"
    return None
