"""Completions that a file holds: pairs {prompt, chosen, rejected}, or single ones {prompt, completion} with a label, a
score or nothing, then the run's rewards judge them. A file has one of these forms throughout."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from workers.contract.answers import Problem
from workers.contract.errors import RunError
from workers.engine.prompts import is_held_out, read_rows, text_of
from workers.engine.stock import BAD, GOOD

PAIR = "chosen and rejected"
SCORES = ("score", "reward")


@dataclass(frozen=True)
class StoredRow:
    """One completion of a file: its problem, text and group; GOOD or BAD where the file says which it is, else −1; its
    score (a side, true and false count as 1 or 0, a label that is a share as itself; None: not said); and its line."""

    problem: Problem
    text: str
    group: str
    side: int
    score: float | None
    line: int


def read_stored(path: Path, heldout_share: float) -> list[StoredRow]:
    """The completions of a JSONL file, without those of held-out prompts; RunError at `data` with the line that is no
    completion or has another form than the first one."""
    found: list[StoredRow] = []
    form = ""
    for line, row in read_rows(path):
        here = _form(row, path.name, line)
        form = form or here
        if here != form:
            raise _wrong(path.name, line, f"this row has {here}, the first one {form}; a file has one form")
        made = list(_pair(row, path.name, line)) if form == PAIR else [_single(row, path.name, line)]
        if not is_held_out(row["prompt"], heldout_share):
            found += made
    if not found:
        raise RunError("data", f"{path.name} has no completion for a training prompt.", "Give more rows.")
    return found


def _form(row: dict[str, Any], name: str, line: int) -> str:
    if "chosen" in row or "rejected" in row:
        return PAIR
    if "completion" not in row:
        raise _wrong(name, line, "a row of a stock needs chosen and rejected, or a completion")
    if row.get("label") is not None:
        return "a completion with a label"
    scored = any(row.get(key) is not None for key in SCORES)
    return "a completion with a score" if scored else "a completion alone"


def _pair(row: dict[str, Any], name: str, line: int) -> Iterator[StoredRow]:
    texts = [_text(row, key, name, line) for key in ("chosen", "rejected")]
    if texts[0] == texts[1]:
        raise _wrong(name, line, "chosen and rejected are the same text")
    for text, side in zip(texts, (GOOD, BAD), strict=True):
        yield StoredRow(_problem(row, name, line), text, f"line {line}", side, float(side), line)


def _single(row: dict[str, Any], name: str, line: int) -> StoredRow:
    group = f"group {row['group']!r}" if row.get("group") is not None else f"prompt {row['prompt']}"
    label = _label(row, name, line)
    side = -1 if label is None else GOOD if label > 0.5 else BAD
    score = _score(row, name, line) if label is None else label
    # A policy may well have said nothing: an empty completion is one, its end alone.
    text = "" if row["completion"] == "" else _text(row, "completion", name, line)
    return StoredRow(_problem(row, name, line), text, group, side, score, line)


def _label(row: dict[str, Any], name: str, line: int) -> float | None:
    value = row.get("label")
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _wrong(name, line, f"a label is true, false or a share between 0 and 1, not {value!r:.40}")
    return float(value)


def _score(row: dict[str, Any], name: str, line: int) -> float | None:
    given = [row[key] for key in SCORES if row.get(key) is not None]
    if len(given) > 1:
        raise _wrong(name, line, "a row has a score or a reward, not both")
    if given and (isinstance(given[0], bool) or not isinstance(given[0], int | float) or not isfinite(given[0])):
        raise _wrong(name, line, f"a score is a finite number, not {given[0]!r:.40}")
    return float(given[0]) if given else None


def _text(row: dict[str, Any], key: str, name: str, line: int) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(name, line, f"a row of a stock needs {key!r} as text")
    return value


def _problem(row: dict[str, Any], name: str, line: int) -> Problem:
    columns = row.get("columns") or {}
    if not isinstance(columns, dict):
        raise _wrong(name, line, "columns must be an object")
    return Problem(row["prompt"], text_of(row, "answer"), columns)


def _wrong(name: str, line: int, what: str) -> RunError:
    mend = "Give chosen and rejected, or completion with a label (true, false), a score, or neither."
    return RunError("data", f"{name}, line {line}: {what}.", mend, {"line": line})
