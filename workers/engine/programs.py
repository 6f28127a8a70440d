"""Programs for rewards and tasks: whatever Python a policy wrote is run inside the sandbox, each program by itself."""

import builtins
import re
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

from workers.contract.services import Program, Ran
from workers.engine.asserting import Asked, asked, passed, value_of
from workers.engine.sandboxed import error_of
from workers.sandbox import libraries
from workers.sandbox.crew import Crew, Kind

WORD = re.compile(r"\w+")
DEFINED = re.compile(r"\b(?:def|class)\s+(\w+)|^(\w+)\s*=", re.MULTILINE)
OWN = {*dir(builtins), "approx", "isclose", "math", "np", "numpy", "pytest", "Counter"}


def make_programs(stack: ExitStack) -> "SandboxedPrograms":
    """See `contract.services.Programs`."""
    return SandboxedPrograms(stack)


class SandboxedPrograms:
    """Python programs with tests, each in a process of its own. SandboxUnavailable where no walls can be raised."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._crews: dict[Kind, Crew] = {}

    def __call__(self, programs: Sequence[Program], seconds: float = 2.0) -> list[Ran]:
        """One record a program; equal ones are run once."""
        distinct = list(dict.fromkeys(programs))
        named = {program: _named(program) for program in distinct}
        found: dict[Program, Ran] = {}
        for kind in ("programs", "libraries"):
            some = [program for program in distinct if bool(named[program]) == (kind == "libraries")]
            found |= self._ran(kind, some, named, seconds) if some else {}
        return [found[program] for program in programs]

    def _ran(self, kind: Kind, some: list[Program], named: dict[Program, list[str]], seconds: float) -> Any:
        tests = [_apart(program.tests, _taken(program.source)) for program in some]
        pieces = [
            {"source": program.source, "tests": [one.steps for one in each]}
            for program, each in zip(some, tests, strict=True)
        ]
        if kind not in self._crews:
            self._crews[kind] = self._stack.enter_context(Crew(kind))
        replies = self._crews[kind].run(pieces, seconds, sorted({name for program in some for name in named[program]}))
        return dict(zip(some, map(_ran, replies, tests), strict=True))


# A group of completions has the same tests.
_apart = lru_cache(1000)(asked)


def _taken(source: str) -> frozenset[str]:
    """Python's own names that a program gives another meaning."""
    return frozenset(name for found in DEFINED.findall(source) for name in found if name in OWN)


def _named(program: Program) -> list[str]:
    """The allowed libraries whose names stand anywhere in a program and its tests."""
    words = set(WORD.findall(" ".join((program.source, *program.tests))))
    return [name for name in libraries.installed() if name in words]


def _ran(reply: dict[str, Any], tests: tuple[Asked, ...]) -> Ran:
    """What came of one program; every part of the reply is looked at."""
    results = reply.get("results")
    if not isinstance(results, list) or len(results) != len(tests):
        return Ran((False,) * len(tests), error_of(reply))
    right = tuple(passed(result, test) for result, test in zip(results, tests, strict=True))
    if all(right):
        return Ran(right, "", sum(test.trusts for test in tests))
    first = right.index(False)
    error = str(reply.get("error", ""))[:500] or f"test {first + 1} gave {value_of(results[first])}"
    return Ran(right, error, sum(test.trusts for test, well in zip(tests, right, strict=True) if well))
