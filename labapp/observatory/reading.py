"""Rollouts read from their Parquet files: the tokens and streams of one completion, or of a whole group."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.files.storage import default_storage

STREAM, REWARD, NOTE = "stream.", "reward.", "note."
PLAIN = ("step", "index", "group", "prompt", "completion", "answer", "end", "length", "label", "source", "advantage")


def one(file: str, index: int) -> dict[str, Any] | None:
    """One completion of a file as its strip needs it, or None when the file has no such row.

    `streams` maps a stream's name to one number (or None) a token. Raises FileNotFoundError when the file is gone.
    """
    rows = _rows(file, "index", index)
    return _shaped(rows[0]) if rows else None


def group(file: str, number: int) -> list[dict[str, Any]]:
    """Every completion of one group of a file, in the order of their indices."""
    rows = _rows(file, "group", number)
    return [_shaped(row) for row in sorted(rows, key=lambda row: row["index"])]


def _rows(file: str, column: str, value: int) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    table = _table(file, default_storage.get_modified_time(file), default_storage.size(file))
    found: list[dict[str, Any]] = table.filter(pc.equal(table[column], value)).to_pylist()
    return found


@lru_cache(maxsize=8)
def _table(file: str, written: datetime, size: int) -> Any:
    """The whole file. A worker that takes a run up writes steps again: `written` and `size` tell the files apart."""
    import pyarrow.parquet as pq  # here, so that commands that never show tokens start without it

    with default_storage.open(file, "rb") as handle:
        return pq.read_table(handle)


def _shaped(row: dict[str, Any]) -> dict[str, Any]:
    streams = {name.removeprefix(STREAM): values for name, values in row.items() if name.startswith(STREAM)}
    rewards = {name.removeprefix(REWARD): value for name, value in row.items() if name.startswith(REWARD)}
    notes = {name.removeprefix(NOTE): text for name, text in row.items() if name.startswith(NOTE)}
    return {
        **{name: row.get(name) for name in PLAIN},
        "total": row.get("reward_total"),
        "rewards": rewards,
        "notes": {name: text for name, text in notes.items() if text},
        "pieces": row["pieces"],
        "tokens": row.get("token_ids") or row["pieces"],
        "mask": row["mask"],
        "columns": json.loads(row.get("columns") or "{}"),
        "streams": {name: values for name, values in streams.items() if values is not None},
    }
