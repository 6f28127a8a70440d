"""A step's completions as a run stored them, read again: the file, and in it what rewards and selections look at."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workers.contract.answers import Answers, Problem
from workers.contract.errors import RunError
from workers.engine.rollout import columns_of

REWARD = "reward."
MEND = "Take another step."


def open_step(content: bytes, only: Sequence[str] = ()) -> pa.Table:
    """A step's Parquet file, of its columns those whose names begin as one of `only` does (all where there are none);
    RunError at `data` when it is no such file, or has no completions."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        names = [name for name in file.schema_arrow.names if not only or name.startswith(tuple(only))]
        table = file.read(names)
    except pa.ArrowInvalid as error:
        raise RunError("data", f"the stored file cannot be read ({error}).", MEND) from error
    if not table.num_rows:
        raise RunError("data", "this step stored no completions.", MEND)
    return table


def answers_of(table: pa.Table) -> Answers:
    """The completions as the run's rewards saw them: the prompts' columns, and the verdicts of a task that has any."""
    rows = {name: table[name].to_pylist() for name in ("prompt", "completion", "length", "end")}
    verdicts = _column(table, "verdict")
    return Answers(
        tuple(rows["completion"]),
        tuple(rows["prompt"]),
        tuple(rows["length"]),
        tuple(rows["end"]),
        columns_of(_problems(table, rows["prompt"])),
        () if all(one is None for one in verdicts) else tuple(verdicts),
    )


def _problems(table: pa.Table, prompts: Sequence[str]) -> list[Problem]:
    stored = zip(prompts, _column(table, "answer"), _column(table, "columns"), strict=True)
    return [Problem(prompt, answer or "", json.loads(columns or "{}")) for prompt, answer, columns in stored]


def _column(table: pa.Table, name: str) -> list[Any]:
    """A column that files of an older lab may lack."""
    return table[name].to_pylist() if name in table.column_names else [None] * table.num_rows


def rewards_of(table: pa.Table) -> dict[str, list[float | None]]:
    """What each reward of the run said, by label."""
    names = [name for name in table.column_names if name.startswith(REWARD)]
    return {name.removeprefix(REWARD): table[name].to_pylist() for name in names}
