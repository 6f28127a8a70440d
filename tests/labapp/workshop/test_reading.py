"""Rows from files: what is read, what is refused as a whole, and what is reported by line."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from labapp.workshop import reading, row_formats
from labapp.workshop.reading import BadRow, FileError, read_rows

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def parquet_bytes(columns: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the public data set {name} is not at {DATA}")
    return path


def test_it_reads_jsonl() -> None:
    table = read_rows(b'{"q": "1+1", "a": 2}\n\n{"q": "2+2", "b": null}\r\n', "x.jsonl")
    assert table.columns == ("q", "a", "b")
    assert table.rows == ({"q": "1+1", "a": 2}, {"q": "2+2", "b": None})
    assert table.lines == (1, 3)
    assert table.bad == ()
    assert table.preview(1) == ({"q": "1+1", "a": 2},)


def test_it_reads_csv_with_cells_over_several_lines() -> None:
    table = read_rows(b'q,a\n"one,\r\ntwo",1\n\n"say ""hi""",\n', "x.csv")
    assert table.columns == ("q", "a")
    assert table.rows == ({"q": "one,\r\ntwo", "a": "1"}, {"q": 'say "hi"', "a": ""})
    assert table.lines == (2, 5)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_separated_by_what_its_header_uses(delimiter: str) -> None:
    table = read_rows(f"q{delimiter}a\nx{delimiter}y\n".encode(), "x.csv")
    assert table.rows == ({"q": "x", "a": "y"},)


def test_it_reads_parquet_with_nested_and_dated_values() -> None:
    data = parquet_bytes(
        {"q": ["a", "b"], "deep": [{"x": [1, 2]}, None], "score": [0.5, float("nan")], "on": [date(2026, 1, 2), None]}
    )
    table = read_rows(data, "x.parquet")
    assert table.columns == ("q", "deep", "score", "on")
    assert table.rows == (
        {"q": "a", "deep": {"x": [1, 2]}, "score": 0.5, "on": "2026-01-02"},
        {"q": "b", "deep": None, "score": None, "on": None},
    )
    assert table.lines == (1, 2)


def test_it_reads_a_json_array() -> None:
    table = read_rows(b'\n[{"q": "a"}, 3, {"q": "b"}]', "x.json")
    assert table.rows == ({"q": "a"}, {"q": "b"})
    assert table.lines == (1, 3)
    assert table.bad == (BadRow(2, "an object is needed, not a number"),)


def test_it_reads_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text('{"q": "a"}\n')
    assert read_rows(path, "x.jsonl").rows == ({"q": "a"},)


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.JSONL", "x.json", "x", "x.txt"])
def test_lines_of_objects_are_known_by_name_or_content(name: str) -> None:
    assert read_rows(b'\xef\xbb\xbf{"q": "a"}\n', name).rows == ({"q": "a"},)


@pytest.mark.parametrize("name", ["x.parquet", "x.csv", "x.jsonl", "x"])
def test_parquet_is_known_by_its_content(name: str) -> None:
    assert read_rows(parquet_bytes({"q": ["a"]}), name).rows == ({"q": "a"},)


def test_a_byte_order_mark_does_not_stick_to_the_first_column() -> None:
    assert read_rows(b"\xef\xbb\xbfq,a\nx,y\n", "x.csv").columns == ("q", "a")


def test_unicode_line_separators_inside_a_text_do_not_end_its_line() -> None:
    text = "a\u2028b\u0085c\x0cd"
    assert read_rows(f'{{"q": "{text}"}}\n'.replace("\x0c", "\\f").encode(), "x.jsonl").rows == ({"q": text},)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"q": ', "not JSON: Expecting value at character 7"),
        ("hello", "not JSON: Expecting value at character 1"),
        ("[1, 2]", "an object is needed, not a list"),
        ('"text"', "an object is needed, not text"),
        ("null", "an object is needed, not nothing"),
        ('{"q": 1, "q": 2}', "the field 'q' occurs twice"),
        ('{"q": "\\u0000"}', "a field holds a zero byte"),
        ('{"q": ["\\ud800"]}', "a field holds half of a surrogate pair, which is no text"),
        ('{"q": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"q": ' + "[" * 700 + "]" * 700 + "}", "nested too deeply"),
        ('{"q": ' + "9" * 5000 + "}", "Exceeds the limit"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(line: str, reason: str) -> None:
    table = read_rows(f'{{"q": "a"}}\n{line}\n{{"q": "b"}}\n'.encode(), "x.jsonl")
    assert table.rows == ({"q": "a"}, {"q": "b"})
    assert [row.line for row in table.bad] == [2]
    assert table.bad[0].reason.startswith(reason)


def test_no_number_becomes_nothing() -> None:
    assert read_rows(b'{"a": NaN, "b": -Infinity, "c": 1e999}', "x.jsonl").rows == ({"a": None, "b": None, "c": None},)


def test_csv_rows_of_another_width_are_reported() -> None:
    table = read_rows(b"q,a\n1,2,3\nx,y\nz\n", "x.csv")
    assert table.rows == ({"q": "x", "a": "y"},)
    assert table.bad == (
        BadRow(2, "3 fields, but the first line names 2 columns"),
        BadRow(4, "1 fields, but the first line names 2 columns"),
    )


def test_blank_lines_before_the_header_are_passed_over() -> None:
    table = read_rows(b"\n\nq,a\nx,y\n", "x.csv")
    assert table.columns == ("q", "a")
    assert table.lines == (4,)


def test_an_open_quote_is_reported_at_the_line_where_it_opens() -> None:
    table = read_rows(b'q,a\nx,y\n"open,1\nmore\n', "x.csv")
    assert table.rows == ({"q": "x", "a": "y"},)
    assert table.bad == (BadRow(3, "not CSV: unexpected end of data"),)


def test_raw_bytes_in_parquet_are_reported() -> None:
    table = read_rows(parquet_bytes({"q": [b"\xff", None]}), "x.parquet")
    assert table.bad == (BadRow(1, "a field holds raw bytes, not text or a number"),)
    assert table.rows == ({"q": None},)


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "x.jsonl", "x.jsonl is empty"),
        (b" \n\n ", "x.csv", "x.csv is empty"),
        (b"\xef\xbb\xbf", "x.csv", "x.csv is empty"),
        (b"q,a\n", "x.csv", "x.csv has no rows"),
        (b"[]", "x.json", "x.json has no rows"),
        (b"q,,a\n1,2,3\n", "x.csv", "a name in it is empty"),
        (b"1,2\n3,4\n", "x.csv", "holds only numbers"),
        (b"q,a,q\n1,2,3\n", "x.csv", "more than one column is called q"),
        (b'"q,a\n', "x.csv", "line 1: unexpected end of data"),
        ("q,a\nx,y\ncaf\u00e9,z\n".encode("latin-1"), "x.csv", r"not UTF-8 text \(line 3\): save it as UTF-8"),
        ('{"q": "a"}\n'.encode("utf-16"), "x.jsonl", r"not UTF-8 text \(line 1\)"),
        (b'[{"q": 1},\n{"q" 2}]', "x.json", r"line 2: not JSON \(Expecting ':' delimiter\)"),
        (b'[{"q": 1, "q": 2}]', "x.json", "the field 'q' occurs twice"),
        (b"[" * 100_000, "x.json", "cannot be read"),
        (b"q,a\n1,2\n", "x.parquet", "named as Parquet but does not start as one"),
        (b"PAR1 and then nothing", "x.parquet", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(data: bytes, name: str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read_rows(data, name)


def test_a_damaged_parquet_file_is_refused() -> None:
    data = bytearray(parquet_bytes({"q": [f"text {n}" for n in range(1000)]}))
    data[40:400] = bytes(360)
    with pytest.raises(FileError, match="cannot be read as Parquet"):
        read_rows(bytes(data), "x.parquet")


def test_repeated_parquet_columns_are_refused() -> None:
    sink = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["q", "q"]), sink)
    with pytest.raises(FileError, match="more than one column is called q"):
        read_rows(sink.getvalue(), "x.parquet")


@pytest.mark.parametrize(("data", "name"), [(b"q\n1\n2\n3\n", "x.csv"), (parquet_bytes({"q": [1, 2, 3]}), "x.parquet")])
def test_too_many_rows_are_refused(data: bytes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    monkeypatch.setattr(row_formats, "MOST_ROWS", 2)
    with pytest.raises(FileError, match="more than 2 rows"):
        read_rows(data, name)


@pytest.mark.parametrize(
    ("name", "count"),
    [("gsm8k-train.jsonl", 7473), ("gsm8k-test.jsonl", 1319), ("gsm8k-model-solutions.jsonl", 1319)],
)
def test_real_files_are_read_whole(name: str, count: int) -> None:
    table = read_rows(real(name), name)
    assert len(table.rows) == count
    assert table.bad == ()
    assert table.columns[0] == "question"


def test_a_real_array_is_read_whole() -> None:
    table = read_rows(real("qa-feedback-dev.json"), "qa-feedback-dev.json")
    assert len(table.rows) == 500
    assert "prediction 4" in table.columns
