"""The completions of a step as one Parquet file, and the few that its event shows.

A row is a completion; streams are lists with one number a token. See `SCHEMA` for the fixed columns.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PREVIEW = 8
PREVIEW_LETTERS = 2000
SCHEMA = {
    "step": pa.int32(),
    "index": pa.int32(),
    "group": pa.int32(),
    "prompt": pa.string(),
    "completion": pa.string(),
    "prompt_ids": pa.list_(pa.int32()),
    "token_ids": pa.list_(pa.int32()),
    "pieces": pa.list_(pa.string()),
    "mask": pa.list_(pa.bool_()),
    "end": pa.string(),
    "length": pa.int32(),
    "answer": pa.string(),
    "columns": pa.string(),
    "verdict": pa.float64(),
    "label": pa.float64(),
    "source": pa.string(),
    "reward_total": pa.float64(),
    "advantage": pa.float64(),
}


@dataclass
class Table:
    """The rows of one step by column. `rewards` are by label and `streams` by name; a stream is an (N, T) array, and
    each row stores its first `length` numbers. `notes` by label are what a reward says in words."""

    step: int
    columns: Mapping[str, Sequence[Any]]
    rewards: Mapping[str, Sequence[float | None]]
    streams: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name within the run."""
        return f"rollouts/step-{self.step:06d}.parquet"

    def __len__(self) -> int:
        return len(self.columns["completion"])

    def content(self) -> bytes:
        """The file."""
        arrays = {name: self._array(name, kind) for name, kind in SCHEMA.items()}
        arrays |= {f"reward.{label}": pa.array(values, pa.float64()) for label, values in self.rewards.items()}
        arrays |= {f"stream.{name}": self._stream(value_NT) for name, value_NT in self.streams.items()}
        arrays |= {f"note.{label}": pa.array(texts, pa.string()) for label, texts in self.notes.items()}
        sink = io.BytesIO()
        pq.write_table(pa.table(arrays), sink, compression="zstd")
        return sink.getvalue()

    def preview(self) -> list[dict[str, Any]]:
        """A few rows for the event: the first of each group, then the second, until there are eight."""
        seen: dict[int, int] = {}
        ranks = []
        for index, group in enumerate(self.columns["group"]):
            ranks.append((seen.setdefault(group, 0), index))
            seen[group] += 1
        return [self._shown(index) for _, index in sorted(ranks)[:PREVIEW]]

    def event(self, file: str) -> dict[str, Any]:
        """The data of the `rollouts` event."""
        return {"count": len(self), "file": file, "preview": self.preview()}

    def _shown(self, index: int) -> dict[str, Any]:
        row = {name: self.columns[name][index] for name in ("group", "end", "length", "advantage")}
        texts = {name: self.columns[name][index][:PREVIEW_LETTERS] for name in ("prompt", "completion")}
        rewards = {label: values[index] for label, values in self.rewards.items()}
        return {"index": index, **row, **texts, "rewards": rewards, "total": self.columns["reward_total"][index]}

    def _array(self, name: str, kind: pa.DataType) -> pa.Array:
        if name == "step":
            return pa.array([self.step] * len(self), kind)
        if name == "index":
            return pa.array(range(len(self)), kind)
        return pa.array(self.columns.get(name) or [None] * len(self), kind)

    def _stream(self, value_NT: np.ndarray[Any, Any]) -> pa.Array:
        lengths = np.asarray(self.columns["length"])
        inside = np.arange(value_NT.shape[1])[None, :] < lengths[:, None]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(value_NT[inside], pa.float32()))


def as_json(columns: Mapping[str, Any]) -> str:
    """A row's further columns as JSON text; what JSON does not know is written as text."""
    return json.dumps(dict(columns), ensure_ascii=False, default=str)
