"""Queries for rewards and tasks: whatever SQL a policy wrote is run inside the sandbox, each query by itself."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from workers.contract.services import Query, Table
from workers.sandbox.crew import Crew

MOST_ROWS = 5000
QUERY_SECONDS = 2.0
TOGETHER = 16  # queries that share a process; if one of them ends it, each is tried alone
# SQLite stops each query at its own time. DuckDB does not, so that all together have the time of one.
PIECE_SECONDS = {"sqlite": QUERY_SECONDS * TOGETHER, "duckdb": QUERY_SECONDS}


def make_queries(stack: ExitStack) -> "SandboxedQueries":
    """See `contract.services.Queries`."""
    return SandboxedQueries(stack)


class SandboxedQueries:
    """SQL on a fresh database in memory. SandboxUnavailable (a RunError) where no walls can be raised."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._crews: dict[str, Crew] = {}

    def __call__(self, queries: Sequence[Query], database: str = "sqlite") -> list[Table]:
        """One table a query; equal ones are run once. ValueError for another database than these two."""
        if database not in PIECE_SECONDS:
            raise ValueError(f"a database is one of {', '.join(PIECE_SECONDS)}, not {database!r:.60}")
        schemas = {query.schema: place for place, query in reversed(list(enumerate(queries)))}
        # Those to one database stand together: DuckDB takes longer to open one than to answer.
        ordered = sorted(dict.fromkeys(queries), key=lambda query: schemas[query.schema])
        found = self._answered(ordered, database, TOGETHER)
        return [found[query] for query in queries]

    def _answered(self, queries: list[Query], database: str, size: int) -> dict[Query, Table]:
        batches = [queries[start : start + size] for start in range(0, len(queries), size)]
        settings = {"database": database, "rows": MOST_ROWS, "seconds": QUERY_SECONDS}
        pieces = [{**settings, "queries": [vars(query) for query in batch]} for batch in batches]
        found: dict[Query, Table] = {}
        seconds = PIECE_SECONDS[database] if size > 1 else QUERY_SECONDS
        for batch, reply in zip(batches, self._crew(database).run(pieces, seconds + 0.5), strict=True):
            tables = reply.get("tables")
            if isinstance(tables, list) and len(tables) == len(batch):
                found |= zip(batch, map(_table, tables), strict=True)
            elif len(batch) > 1:  # one of them took the process with it
                found |= self._answered(batch, database, 1)
            else:
                found[batch[0]] = Table(error=error_of(reply))
        return found

    def _crew(self, database: str) -> Crew:
        if database not in self._crews:
            self._crews[database] = self._stack.enter_context(Crew("sqlite" if database == "sqlite" else "duckdb"))
        return self._crews[database]


def _table(given: Any) -> Table:
    """A table as it came out of the sandbox; every part of it is looked at."""
    if not isinstance(given, dict) or "error" in given or not isinstance(given.get("rows"), list):
        return Table(error=error_of(given))
    rows = tuple(tuple(row) for row in given["rows"] if isinstance(row, list))
    return Table(tuple(str(name) for name in given.get("columns", ())), rows)


def error_of(given: Any) -> str:
    """Why a reply has nothing, bounded."""
    found = given.get("error") if isinstance(given, dict) else None
    return str(found)[:500] if found else "its result cannot be read"
