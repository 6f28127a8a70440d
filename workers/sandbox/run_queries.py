"""One query, inside: read first, then run on a database in memory that its schema builds.

The walls keep everything else away; what is refused here is refused with a sentence, and would fail at the walls too.
"""

import contextlib
import importlib.util
import math
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from workers.sandbox.read_query import LONGEST_ERROR, refused

# A database of nothing but memory; what the person asks cannot open it again.
DUCKDB: Mapping[str, str | bool | int | float | list[str]] = {
    "threads": "1", "memory_limit": "512MB", "enable_external_access": "false", "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "lock_configuration": "true",
}  # fmt: skip
LONGEST_CELL = 1_000_000  # bytes


def needed(database: str) -> list[str]:
    """What is imported once, before anything is forked."""
    found = database == "duckdb" and importlib.util.find_spec("duckdb") is not None
    return [f"sqlglot.dialects.{database}", *(["duckdb"] if found else [])]


def run(piece: dict[str, Any]) -> dict[str, Any]:
    """{"tables": one a query}, each {"columns", "rows"} or {"error"}; `piece` has `queries` (a schema and sql each),
    the database, the most rows, and the seconds that one may take."""
    opened = Opened()
    return {"tables": [_table(piece, one["schema"], one["sql"], opened) for one in piece["queries"]]}


def _table(piece: dict[str, Any], schema: str, sql: str, opened: "Opened") -> dict[str, Any]:
    refusal = refused(sql, piece["database"])
    if refusal:
        return {"error": refusal}
    most = piece["rows"]
    if piece["database"] == "sqlite":
        columns, rows, error = _sqlite(schema, sql, most + 1, piece["seconds"])
    else:
        columns, rows, error = _duckdb(schema, sql, most + 1, opened)
    if error:
        return {"error": error[:LONGEST_ERROR]}
    if len(rows) > most:
        return {"error": f"too big: it gives more than {most:,} rows"}
    return {"columns": columns, "rows": [[_plain(value) for value in row] for row in rows]}


def _sqlite(schema: str, sql: str, most: int, seconds: float) -> tuple[list[str], list[Any], str]:
    # Reading, and what building a schema needs: nothing is attached, no setting is changed.
    reading = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    no = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)
    place = sqlite3.connect(":memory:", isolation_level=None)
    place.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
    deadline = time.monotonic() + seconds
    place.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        place.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action in no else sqlite3.SQLITE_OK)
        place.executescript(schema)
        place.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reading else sqlite3.SQLITE_DENY)
        asked = place.execute(sql)
        rows = asked.fetchmany(most)
        return [each[0] for each in asked.description or ()], rows, ""
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        late = time.monotonic() > deadline
        return [], [], f"too slow: it took longer than {seconds:.3g} s and was stopped" if late else str(error)


class Opened:
    """The last database that DuckDB opened: queries only read, so that those to one schema may ask the same one, each
    by a connection of its own. One with sequences, which reading moves on, is opened anew, as is one after an error."""

    def __init__(self) -> None:
        self._schema = ""
        self._place: Any = None

    def of(self, schema: str) -> Any:
        """A connection to the database that `schema` builds."""
        import duckdb

        if self._place is None or schema != self._schema or "sequence" in schema.lower():
            self.forget()
            self._place, self._schema = duckdb.connect(":memory:", config=dict(DUCKDB)), schema
            self._place.execute(schema or "SELECT 1")
        return self._place.cursor()

    def forget(self) -> None:
        """The next one is opened anew."""
        place, self._place = self._place, None
        if place is not None:
            place.close()


def _duckdb(schema: str, sql: str, most: int, opened: Opened) -> tuple[list[str], list[Any], str]:
    try:
        import duckdb
    except ImportError:
        return [], [], "DuckDB is not installed here"
    try:
        asked = opened.of(schema).execute(sql)
        rows = asked.fetchmany(most)
        return [each[0] for each in asked.description or ()], rows, ""
    except (duckdb.Error, ValueError, OverflowError, RuntimeError) as error:
        with contextlib.suppress(duckdb.Error):
            opened.forget()
        return [], [], str(error)


def _plain(value: Any) -> Any:
    """A cell as JSON: numbers, text, yes and no, nothing; dates, bytes, lists and what else there is as their text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "as_integer_ratio") and value.is_finite():  # a decimal number
        return int(value) if value == int(value) else float(value)
    return str(value)
