"""One Python program and its tests, inside: in names of their own, in a process of its own.

What tests want stays outside as far as can be: the value of an expression is told and compared there, so that
a program that equals everything, or that meddles with the telling, does not pass.
"""

import json
import linecache
import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from workers.sandbox.child import FILE, guarded

ALIKE: tuple[type[Any], ...] = (int, float, str, bool)
MANY: dict[type[Any], str] = {dict: "dict", tuple: "tuple", set: "set", frozenset: "set", list: ""}
LONGEST = 200_000  # letters of a value that is told
DEEPEST = 20
# What programs import as a rule.
USUAL = [
    "bisect", "collections.abc", "copy", "dataclasses", "datetime", "enum", "functools", "heapq", "itertools", "json",
    "math", "operator", "re", "string", "typing",
]  # fmt: skip


def needed(_: str) -> list[str]:
    """What is imported once, before anything is forked."""
    return USUAL


def run(piece: dict[str, Any]) -> dict[str, Any]:
    """{"results": one a test, "error": the program's failure or the first step's}; a test is a list of steps, each
    {"run": statements}, {"value": expression} or {"truth": expression}; a result is {"passed": all that was to be run
    ran through, "values": [value] each, None where there is none}."""
    names = _names(piece["source"])
    began = guarded(partial(_exec, piece["source"], names, FILE), [])
    if "fault" in began:
        return {"results": [{"passed": False} for _ in piece["tests"]], "error": began["fault"]["message"]}
    results, errors = [], []
    for test in piece["tests"]:
        values: list[Any] = []
        passed = True
        for how, text in (next(iter(step.items())) for step in test):
            found = guarded(partial(STEPS[how], text, names), [])
            errors += [found["fault"]["message"]] if "fault" in found else []
            if how != "run":
                values.append([found["value"]] if "value" in found else None)
            elif "fault" in found:
                passed = False
                break
        results.append({"passed": passed, "values": values})
    return {"results": results, "error": errors[0] if errors else ""}


def _names(source: str) -> dict[str, Any]:
    module = types.ModuleType("program")
    sys.modules["program"] = module  # dataclasses and their like look their module up
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    return module.__dict__


def _exec(source: str, names: dict[str, Any], file: str = "test") -> dict[str, Any]:
    exec(compile(source, file, "exec"), names)
    return {}


def _value(expression: str, names: dict[str, Any]) -> dict[str, Any]:
    value = _plain(eval(compile(expression, "test", "eval"), names), 0)
    if len(json.dumps(value)) > LONGEST:
        raise ValueError("a test wants a value, and this one is too long")
    return {"value": value}


def _truth(expression: str, names: dict[str, Any]) -> dict[str, Any]:
    return {"value": bool(eval(compile(expression, "test", "eval"), names))}


def _plain(value: Any, depth: int) -> Any:
    """A value as JSON, {"kind": parts} where JSON has no such kind. TypeError: it is none of Python's own types."""
    if depth > DEEPEST:
        raise TypeError("it is nested too deeply")
    if value is None or type(value) in ALIKE:
        return value
    for kind, told in MANY.items():
        if isinstance(value, kind):
            parts = [_plain(each, depth + 1) for each in (map(list, value.items()) if kind is dict else value)]
            return {told: parts} if told else parts
    for alike in ALIKE:  # kinds of these: of numpy, of enumerations, of the program's own
        if isinstance(value, alike):
            return alike(value)
    if isinstance(value, bytes | complex):
        return {"bytes": value.hex()} if isinstance(value, bytes) else {"complex": [value.real, value.imag]}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return _plain(value.item(), depth + 1)
    raise TypeError(f"a test wants plain values, and this is {type(value).__name__}")


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"run": _exec, "value": _value, "truth": _truth}
