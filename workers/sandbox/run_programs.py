"""One Python program and its tests, inside: in names of their own, in a process of its own.

A test `assert <expression> == <literal>` comes without its literal: the value is told as text and compared outside, so
that a program that equals everything, or that meddles with the telling, does not pass.
"""

import linecache
import sys
import types
from functools import partial
from typing import Any

from workers.sandbox.child import FILE, guarded

PLAIN = (type(None), bool, int, float, complex, str, bytes)
LONGEST = 20_000  # letters of a value that is told
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
    """{"results": one a test, "error": the program's failure or the first test's}; a result is {"passed": bool} or
    {"value": text}."""
    names = _names(piece["source"])
    began = guarded(partial(_exec, piece["source"], FILE, names), [])
    if "fault" in began:
        return {"results": [{"passed": False} for _ in piece["tests"]], "error": began["fault"]["message"]}
    results, errors = [], []
    for test in piece["tests"]:
        if "value" in test:
            found = guarded(partial(_value, test["value"], names), [])
        else:
            found = guarded(partial(_exec, test["run"], "test", names), [])
        results.append({"passed": False} if "fault" in found else found)
        errors += [found["fault"]["message"]] if "fault" in found else []
    return {"results": results, "error": errors[0] if errors else ""}


def _names(source: str) -> dict[str, Any]:
    module = types.ModuleType("program")
    sys.modules["program"] = module  # dataclasses and their like look their module up
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    return module.__dict__


def _exec(source: str, file: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(source, file, "exec"), names)
    return {"passed": True}


def _value(expression: str, names: dict[str, Any]) -> dict[str, Any]:
    value = eval(compile(expression, "test", "eval"), names)
    if not _is_plain(value, 0):
        return {"passed": False}
    text = repr(value)
    return {"value": text} if len(text) <= LONGEST else {"passed": False}


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a value is made of Python's own types alone, so that its text says all of it."""
    if depth > DEEPEST:
        return False
    if type(value) in (list, tuple, set):
        return all(_is_plain(each, depth + 1) for each in value)
    if type(value) is dict:
        return all(_is_plain(each, depth + 1) for pair in value.items() for each in pair)
    return type(value) in PLAIN
