"""Queries and programs for rewards and tasks: whatever a policy wrote is run inside the sandbox, each by itself."""

import ast
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from workers.contract.services import Program, Query, Ran, Table
from workers.sandbox.crew import Crew

MOST_ROWS = 5000
QUERY_SECONDS = 2.0
# Queries that share a process: SQLite stops each at its own time; who is stopped otherwise is tried alone.
TOGETHER = {"sqlite": 16, "duckdb": 1}


def make_queries(stack: ExitStack) -> "SandboxedQueries":
    """See `contract.services.Queries`."""
    return SandboxedQueries(stack)


def make_programs(stack: ExitStack) -> "SandboxedPrograms":
    """See `contract.services.Programs`."""
    return SandboxedPrograms(stack)


class SandboxedQueries:
    """SQL on a fresh database in memory. SandboxUnavailable (a RunError) where no walls can be raised."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._crews: dict[str, Crew] = {}

    def __call__(self, queries: Sequence[Query], database: str = "sqlite") -> list[Table]:
        """One table a query; equal ones are run once. ValueError for another database than these two."""
        if database not in TOGETHER:
            raise ValueError(f"a database is one of {', '.join(TOGETHER)}, not {database!r:.60}")
        found = self._answered(list(dict.fromkeys(queries)), database, TOGETHER[database])
        return [found[query] for query in queries]

    def _answered(self, queries: list[Query], database: str, size: int) -> dict[Query, Table]:
        batches = [queries[start : start + size] for start in range(0, len(queries), size)]
        settings = {"database": database, "rows": MOST_ROWS, "seconds": QUERY_SECONDS}
        pieces = [{**settings, "queries": [vars(query) for query in batch]} for batch in batches]
        found: dict[Query, Table] = {}
        for batch, reply in zip(batches, self._crew(database).run(pieces, QUERY_SECONDS * size + 0.5), strict=True):
            tables = reply.get("tables")
            if isinstance(tables, list) and len(tables) == len(batch):
                found |= zip(batch, map(_table, tables), strict=True)
            elif len(batch) > 1:  # one of them took the process with it
                found |= self._answered(batch, database, 1)
            else:
                found[batch[0]] = Table(error=_error(reply))
        return found

    def _crew(self, database: str) -> Crew:
        if database not in self._crews:
            self._crews[database] = self._stack.enter_context(Crew("sqlite" if database == "sqlite" else "duckdb"))
        return self._crews[database]


class SandboxedPrograms:
    """Python programs with tests, each in a process of its own. SandboxUnavailable where no walls can be raised."""

    def __init__(self, stack: ExitStack) -> None:
        self._crew = stack.enter_context(Crew("programs"))

    def __call__(self, programs: Sequence[Program], seconds: float = 2.0) -> list[Ran]:
        """One record a program; equal ones are run once."""
        distinct = list(dict.fromkeys(programs))
        asked = [[_asked(test) for test in program.tests] for program in distinct]
        pieces = [
            {"source": program.source, "tests": [test for test, _ in tests]}
            for program, tests in zip(distinct, asked, strict=True)
        ]
        replies = self._crew.run(pieces, seconds)
        ran = [_ran(reply, [wanted for _, wanted in tests]) for reply, tests in zip(replies, asked, strict=True)]
        found = dict(zip(distinct, ran, strict=True))
        return [found[program] for program in programs]


def _table(given: Any) -> Table:
    """A table as it came out of the sandbox; every part of it is looked at."""
    if not isinstance(given, dict) or "error" in given or not isinstance(given.get("rows"), list):
        return Table(error=_error(given))
    rows = tuple(tuple(row) for row in given["rows"] if isinstance(row, list))
    return Table(tuple(str(name) for name in given.get("columns", ())), rows)


def _error(given: Any) -> str:
    found = given.get("error") if isinstance(given, dict) else None
    return str(found)[:500] if found else "its result cannot be read"


NO_LITERAL = object()


def _asked(test: str) -> tuple[dict[str, str], Any]:
    """What the sandbox is asked for a test, and the value it must have: of `assert <expression> == <literal>` the
    literal stays here, so that whoever runs inside can neither read it nor equal everything."""
    try:
        body = ast.parse(test.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    if len(body) == 1 and isinstance(body[0], ast.Assert):
        compared = body[0].test
        if isinstance(compared, ast.Compare) and len(compared.ops) == 1 and isinstance(compared.ops[0], ast.Eq):
            wanted = _literal(compared.comparators[0])
            if wanted is not NO_LITERAL:
                return {"value": ast.unparse(compared.left)}, wanted
    return {"run": test}, NO_LITERAL


def _literal(given: ast.expr | str) -> Any:
    try:
        return ast.literal_eval(given)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NO_LITERAL


def _ran(reply: dict[str, Any], wanted: list[Any]) -> Ran:
    results = reply.get("results")
    if not isinstance(results, list) or len(results) != len(wanted):
        return Ran((False,) * len(wanted), _error(reply))
    passed = tuple(_passed(result, value) for result, value in zip(results, wanted, strict=True))
    error = str(reply.get("error", ""))[:500]
    if error or all(passed):
        return Ran(passed, error)
    return Ran(passed, f"test {passed.index(False) + 1} gave {_shown(results[passed.index(False)])}")


def _passed(result: Any, wanted: Any) -> bool:
    if not isinstance(result, dict):
        return False
    if wanted is NO_LITERAL:
        return result.get("passed") is True
    text = result.get("value")
    return isinstance(text, str) and bool(_literal(text) == wanted)


def _shown(result: Any) -> str:
    return str(result["value"])[:80] if isinstance(result, dict) and "value" in result else "something else"
