"""Reads rows from an uploaded JSONL, JSON, CSV or Parquet file, and says by line what cannot be read.

`read_rows` gives a `Table`; `mapping.py` turns a table into problems or recorded completions. All values of a row are
plain JSON values that PostgreSQL can store; a float that is no number (NaN, infinity) becomes None.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

from labapp.workshop.row_formats import (
    MOST_ROWS,
    FileError,
    Numbered,
    decode,
    named,
    read_csv,
    read_json,
    read_jsonl,
    read_parquet,
)

__all__ = ["BadRow", "FileError", "Table", "detect_format", "read_rows"]

JSONL, JSON, CSV, PARQUET = "jsonl", "json", "csv", "parquet"
SUFFIXES = {
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
    ".csv": CSV,
    ".tsv": CSV,
    ".parquet": PARQUET,
}
PARQUET_MARK = b"PAR1"
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class BadRow:
    """A row that was left out: its line in the file (in Parquet and JSON arrays: its number, from 1) and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Table:
    """The readable rows of a file: `columns` in order of appearance, `lines` beside `rows`, and the `bad` rows."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    lines: tuple[int, ...]
    bad: tuple[BadRow, ...] = ()

    def preview(self, count: int = 5) -> tuple[Mapping[str, Any], ...]:
        """The first `count` rows."""
        return self.rows[:count]


def read_rows(source: Path | bytes, name: str) -> Table:
    """All rows of a file (its path or its bytes); `name` is what the person called it.

    Raises FileError when the file as a whole is unusable: empty, no header, repeated columns, not UTF-8, not Parquet,
    too many rows. Rows that are unusable by themselves come back in `bad`.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not data.removeprefix(UTF8_MARK).strip():
        raise FileError(f"{name} is empty")
    form = detect_format(data, name)
    if form == PARQUET:
        columns, numbered = read_parquet(data, name)
    else:
        text = decode(data, name)
        if form == CSV:
            columns, numbered = read_csv(text, name)
        else:
            columns, numbered = (), read_json(text, name) if form == JSON else read_jsonl(text)
    return _table(columns, numbered, name)


def detect_format(data: bytes, name: str) -> str:
    """jsonl, json, csv or parquet: by the content where that is plain, else by the name, else CSV."""
    start = data[:64].removeprefix(UTF8_MARK).lstrip()
    by_name = SUFFIXES.get(PurePath(name).suffix.lower())
    if data.startswith(PARQUET_MARK):
        return PARQUET
    if by_name == PARQUET:
        raise FileError(f"{name} is named as Parquet but does not start as one")
    if by_name != CSV and start.startswith(b"["):
        return JSON
    if by_name == JSON or (by_name is None and start.startswith(b"{")):
        return JSONL
    return by_name or CSV


def _table(columns: tuple[str, ...], numbered: Iterator[Numbered], name: str) -> Table:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    seen = dict.fromkeys(columns)
    for line, found in numbered:
        if len(rows) + len(bad) >= MOST_ROWS:
            raise FileError(f"{name} has more than {MOST_ROWS:,} rows: split it into several files")
        if isinstance(found, str):
            bad.append(BadRow(line, found))
            continue
        try:
            rows.append({column: _plain(value) for column, value in found.items()})
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
            continue
        except RecursionError:
            bad.append(BadRow(line, "nested too deeply"))
            continue
        lines.append(line)
        seen.update(dict.fromkeys(found))
    if not rows and not bad:
        raise FileError(f"{name} has no rows")
    return Table(tuple(seen), tuple(rows), tuple(lines), tuple(bad))


def _plain(value: Any) -> Any:
    """The value as JSON that PostgreSQL stores; ValueError says what it cannot."""
    if isinstance(value, str):
        return _storable(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_storable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise ValueError(f"a field holds {named(value)}, not text or a number")


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a field holds a zero byte")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a field holds half of a surrogate pair, which is no text") from None
    return text
