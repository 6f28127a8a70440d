"""What a set of pairs or recorded completions holds, read from its stored rows."""

import json
from dataclasses import dataclass
from functools import lru_cache

from django.core.files.storage import default_storage

from labapp.workshop.models import DataVersion


@dataclass(frozen=True)
class StockFacts:
    """What a set of pairs or recorded completions holds: `rows`, how many of them say something of their completion,
    groups of at least two completions, groups whose labels differ, and the most bytes of a prompt with its completion
    with the row (from 1) that has them."""

    rows: int
    labelled: int
    groups: int
    telling: int
    longest: int
    longest_row: int


def stock_facts(version: DataVersion) -> StockFacts | None:
    """See `StockFacts`; read from the stored rows, once for each version, which never changes. None when they are
    gone."""
    try:
        return _stock_facts(version.file, version.digest)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=64)
def _stock_facts(file: str, digest: str) -> StockFacts:
    rows = labelled = longest = longest_row = 0
    labels: dict[object, list[float | None]] = {}
    with default_storage.open(file) as lines:
        for rows, line in enumerate(lines, start=1):
            row = json.loads(line)
            sides = [row["chosen"], row["rejected"]] if "chosen" in row else [row["completion"]]
            said = [1.0, 0.0] if "chosen" in row else [row.get("label")]
            labelled += None not in said
            labels.setdefault(row.get("group", rows), []).extend(said)
            size = len(row["prompt"].encode()) + max(len(side.encode()) for side in sides)
            if size > longest:
                longest, longest_row = size, rows
    groups = [found for found in labels.values() if len(found) > 1]
    telling = sum(len({one for one in found if one is not None}) > 1 for found in groups)
    return StockFacts(rows, labelled, len(groups), telling, longest, longest_row)
