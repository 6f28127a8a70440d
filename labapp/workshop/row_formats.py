"""The formats that rows come in: JSON lines, a JSON array, CSV, Parquet. Each gives numbered rows, one at a time.

A numbered row is (line, fields) or, when it cannot be read, (line, reason).
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

MOST_ROWS = 1_000_000
Numbered = tuple[int, "dict[str, Any] | str"]


class FileError(ValueError):
    """Nothing of the file can be used; the message is for the person who chose it."""


def decode(data: bytes, name: str) -> str:
    """The text without its byte order mark; FileError names the line where it stops being UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{name} is not UTF-8 text (line {line}): save it as UTF-8") from None


def read_jsonl(text: str) -> Iterator[Numbered]:
    """One object a line; blank lines are passed over."""
    # Only "\n" ends a line: JSON strings may hold U+2028 and its like, at which str.splitlines would cut.
    for line, part in enumerate(text.split("\n"), start=1):
        if part.strip():
            yield line, _json_row(part)


def _json_row(part: str) -> dict[str, Any] | str:
    try:
        return _object(_parse(part))
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "nested too deeply"


def read_json(text: str, name: str) -> Iterator[Numbered]:
    """The items of a JSON array, numbered from 1; FileError when it is none."""
    try:
        items = _parse(text)
    except json.JSONDecodeError as error:
        raise FileError(f"{name}, line {error.lineno}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name} cannot be read: {error}") from None
    for number, item in enumerate(items, start=1):
        yield number, item if isinstance(item, dict) else f"an object is needed, not {named(item)}"


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_pairs, parse_constant=lambda _: None)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"an object is needed, not {named(value)}")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return made


def read_csv(text: str, name: str) -> tuple[tuple[str, ...], Iterator[Numbered]]:
    """(columns, numbered rows) of comma, semicolon or tab separated text; FileError on a header that cannot be used."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    # Not universal newlines: a cell in quotes keeps its own line ends.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(cell.strip() for cell in next(cells for cells in reader if cells))
    except csv.Error as error:
        raise FileError(f"{name}, line 1: {error}") from None
    if not all(header):
        raise FileError(f"{name}: the first line names the columns, but a name in it is empty")
    if all(_is_number(cell) for cell in header):
        raise FileError(f"{name}: the first line names the columns, but holds only numbers")
    _refuse_repeats(header, name)
    return header, _csv_rows(reader, header)


def _csv_rows(reader: Any, header: tuple[str, ...]) -> Iterator[Numbered]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"not CSV: {error}"
            continue
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        elif cells:
            yield line, f"{len(cells)} fields, but the first line names {len(header)} columns"


def read_parquet(data: bytes, name: str) -> tuple[tuple[str, ...], Iterator[Numbered]]:
    """(columns, rows numbered from 1) of a Parquet file; FileError when it cannot be read."""
    # Here and not above: pyarrow takes a quarter of a second that no page without an upload should pay.
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(f"{name} cannot be read as Parquet: {error}") from None
    columns = tuple(file.schema_arrow.names)
    _refuse_repeats(columns, name)
    if file.metadata.num_rows > MOST_ROWS:
        raise FileError(f"{name} has more than {MOST_ROWS:,} rows: split it into several files")
    return columns, _parquet_rows(file, name)


def _parquet_rows(file: Any, name: str) -> Iterator[Numbered]:
    import pyarrow

    number = 0
    try:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileError(f"{name} cannot be read as Parquet after row {number}: {error}") from None


def _refuse_repeats(columns: tuple[str, ...], name: str) -> None:
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise FileError(f"{name}: more than one column is called {', '.join(repeated)}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def named(value: object) -> str:
    """What kind of value this is, in words for a person."""
    words = {type(None): "nothing", str: "text", int: "a number", float: "a number", bool: "yes or no", list: "a list"}
    return words.get(type(value), "raw bytes" if isinstance(value, bytes) else type(value).__name__)
