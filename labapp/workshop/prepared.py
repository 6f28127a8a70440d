"""Mapped rows: what a mapping makes of a table, stored as the JSONL that workers read, and read back in pages.

Prompts are rows {prompt, answer, columns}; recorded completions one row a completion: {prompt, completion, group,
answer, label, source, columns}; preference pairs {prompt, chosen, rejected, answer, columns}.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from labapp.workshop import uploads
from labapp.workshop.guessing import guess_mapping
from labapp.workshop.mapping import ColumnMap, CompletionPlace, map_columns, map_completions
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.pairing import Pair, map_pairs
from labapp.workshop.reading import BadRow, Table

MOST_BAD = 10_000  # bad rows that are kept with their reasons; more tell nobody anything new
TEXTS = ("prompt", "answer", "answer_after", "group", "chosen", "rejected")  # places of a mapping
SOURCE = 80  # letters of a completion's source that its index holds


class Confirmed(ValueError):
    """The version has its mapping already; what was confirmed never changes."""


@dataclass(frozen=True)
class Prepared:
    """Mapped rows as workers read them, the rows that were left out, and how many rows of the file gave these."""

    rows: list[dict[str, Any]]
    bad: list[BadRow]
    used: int


def prepare(table: Table, mapping: ColumnMap, kind: str) -> Prepared:
    """What `mapping` makes of `table`. ValueError when it names a column that is not there, or misses one."""
    if kind == DataSet.COMPLETIONS:
        groups, bad = map_completions(table, mapping)
        rows = [row for number, group in enumerate(groups) for row in _completions(number, group)]
    elif kind == DataSet.PAIRS:
        pairs, bad = map_pairs(table, mapping)
        rows = [_pair(one) for one in pairs]
    else:
        problems, bad = map_columns(table, mapping)
        rows = [{"prompt": one.prompt, "answer": one.answer, "columns": dict(one.columns)} for one in problems]
    return Prepared(rows, bad, len(table.rows) + len(table.bad) - len(bad))


def _pair(one: Pair) -> dict[str, Any]:
    problem = one.problem
    return {"prompt": problem.prompt, "chosen": one.chosen, "rejected": one.rejected, "answer": problem.answer,
            "columns": dict(problem.columns)}  # fmt: skip


def _completions(number: int, group: Any) -> Iterator[dict[str, Any]]:
    problem = group.problem
    for one in group.completions:
        columns = {**problem.columns, **one.columns}
        yield {"prompt": problem.prompt, "completion": one.text, "group": number, "answer": problem.answer,
               "label": one.label, "source": one.name[:SOURCE], "columns": columns}  # fmt: skip


def confirm(version: DataVersion, mapping: ColumnMap) -> DataVersion:
    """Map the whole file and store the rows. ValueError when no row can be used, Confirmed when it was done before."""
    made = prepare(uploads.whole(version), mapping, version.dataset.kind)
    if not made.rows:
        first = f": line {made.bad[0].line}, {made.bad[0].reason}" if made.bad else ""
        raise ValueError(f"With these columns no row can be used{first}")
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in made.rows)
    place = str(PurePosixPath(version.original).with_name("rows.jsonl"))
    file = default_storage.save(place, ContentFile(text.encode()))
    columns = sorted({name for row in made.rows for name in row["columns"]})
    changed = DataVersion.objects.filter(pk=version.pk, file="").update(
        file=file, mapping=as_json(mapping), columns=columns, rows=len(made.rows),
        bad=[asdict(one) for one in made.bad[:MOST_BAD]],
    )  # fmt: skip
    if changed == 0:
        uploads.forget([file])
        raise Confirmed(f"{version} has its columns already. Upload the file again to map it in another way.")
    version.refresh_from_db()
    return version


def read(version: DataVersion, start: int = 0, count: int = 50) -> list[dict[str, Any]]:
    """`count` mapped rows from number `start` (0 is the first). FileNotFoundError when the file is gone."""
    with default_storage.open(version.file, "rb") as lines:
        return [json.loads(line) for line in islice(lines, start, start + count)]


def read_evenly(version: DataVersion, count: int) -> list[dict[str, Any]]:
    """`count` rows spread evenly over the file, so that a sample shows more than its beginning."""
    step = max(1, version.rows // max(1, count))
    with default_storage.open(version.file, "rb") as lines:
        return [json.loads(line) for line in islice(lines, 0, step * count, step)]


def starting_map(version: DataVersion, table: Table) -> ColumnMap:
    """The mapping to start with: that of the set's newest confirmed version where it fits the file, else a guess."""
    before = version.dataset.versions.exclude(file="").order_by("-number").first()
    if before is not None:
        kept = from_json(before.mapping)
        try:
            if prepare(table, kept, version.dataset.kind).rows:
                return kept
        except ValueError:
            pass  # the new file has other columns
    return guess_mapping(table)


def as_json(mapping: ColumnMap) -> dict[str, Any]:
    """The mapping as it is stored with a version."""
    return asdict(mapping)


def from_json(stored: Mapping[str, Any]) -> ColumnMap:
    """The mapping that was stored."""
    texts = {name: str(stored.get(name, "")) for name in TEXTS}
    places = tuple(CompletionPlace(**place) for place in stored.get("completions", ()))
    return ColumnMap(completions=places, longest=int(stored.get("longest", 0)), **texts)
