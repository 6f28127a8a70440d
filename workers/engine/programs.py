"""Programs for rewards and tasks: whatever Python a policy wrote is run inside the sandbox, each program by itself."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from workers.contract.services import Program, Ran
from workers.engine.asserted import Asked, asked, passed
from workers.engine.sandboxed import error_of
from workers.sandbox import libraries
from workers.sandbox.crew import Crew, Kind

WORD = re.compile(r"\w+")


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
        tests = [[asked(test) for test in program.tests] for program in some]
        pieces = [
            {"source": program.source, "tests": [one.told for one in each]}
            for program, each in zip(some, tests, strict=True)
        ]
        if kind not in self._crews:
            self._crews[kind] = self._stack.enter_context(Crew(kind))
        replies = self._crews[kind].run(pieces, seconds, sorted({name for program in some for name in named[program]}))
        return dict(zip(some, map(_ran, replies, tests), strict=True))


def _named(program: Program) -> list[str]:
    """The allowed libraries whose names stand anywhere in a program and its tests."""
    words = set(WORD.findall(" ".join((program.source, *program.tests))))
    return [name for name in libraries.installed() if name in words]


def _ran(reply: dict[str, Any], tests: list[Asked]) -> Ran:
    """What came of one program; every part of the reply is looked at."""
    results = reply.get("results")
    if not isinstance(results, list) or len(results) != len(tests):
        return Ran((False,) * len(tests), error_of(reply))
    right = tuple(passed(result, test) for result, test in zip(results, tests, strict=True))
    error = str(reply.get("error", ""))[:500]
    if error or all(right):
        return Ran(right, error)
    first = results[right.index(False)]
    gave = str(first["value"])[:80] if isinstance(first, dict) and "value" in first else "something else"
    return Ran(right, f"test {right.index(False) + 1} gave {gave}")
