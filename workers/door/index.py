"""Reads a step's stored completions and makes the index row of each."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from workers.door.plain import plain, plain_text

COLUMNS = ("step", "index", "group", "prompt", "completion", "answer", "end", "length", "reward_total", "advantage")
OPTIONAL = ("label", "source")
REWARD = "reward."


def index_rows(content: bytes, file: str) -> list[dict[str, Any]]:
    """One dictionary a completion, named as the fields of `observatory.Rollout`, from the bytes of a Parquet file.

    Only the columns of the index are read; tokens and streams stay in the file.
    """
    import pyarrow.parquet as parquet  # not before a run needs it: the sweep loads this module too

    table = parquet.ParquetFile(BytesIO(content))
    names = table.schema_arrow.names
    rewards = [name for name in names if name.startswith(REWARD)]
    wanted = [*COLUMNS, *(name for name in OPTIONAL if name in names), *rewards]
    return list(_rows(table.read(columns=wanted).to_pylist(), rewards, file))


def _rows(records: list[dict[str, Any]], rewards: list[str], file: str) -> Iterator[dict[str, Any]]:
    for record in records:
        prompt = plain_text(record["prompt"])
        yield {
            **{name: record[name] for name in ("step", "index", "group", "end", "length")},
            "prompt": prompt,
            "prompt_key": hashlib.sha256(prompt.encode()).hexdigest()[:16],
            "completion": plain_text(record["completion"]),
            "answer": plain_text(record["answer"] or ""),
            "rewards": {name.removeprefix(REWARD): plain(record[name]) for name in rewards},
            "total": plain(record["reward_total"]),
            "advantage": plain(record["advantage"]),
            "label": plain(record.get("label")),
            "source": plain_text(record.get("source") or "")[:80],
            "file": file,
        }
