"""What rewards and their parts are worth on samples: which parts can be asked while others are not ready, the values
by part, and what differs between two rewards."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from labapp.workshop.judging import Judged
from workers.contract.catalogue import Catalogue
from workers.contract.rewardnode import Node
from workers.contract.rewardtree import tree_troubles


def sound_parts(tree: Node, catalogue: Catalogue, path: str = "") -> dict[str, Node]:
    """The largest parts with which nothing is wrong, by path: the whole tree if it is ready, else what is within it."""
    if next(tree_troubles("", tree, catalogue), None) is None and not _empty(tree):
        return {path: tree}
    found: dict[str, Node] = {}
    below = f"{path}." if path else ""
    for index, part in enumerate(tree.of):
        found |= sound_parts(part, catalogue, f"{below}of.{index}")
    return found


def _empty(tree: Node) -> bool:
    """Whether a function is named whose text is not there."""
    return any(node.name.startswith("code:") and not node.source for _, node in tree.walk())


def by_part(found: Judged) -> dict[str, Any]:
    """`values` by path of the part, a list over samples; `faults` by number of the sample; `errors` of parts that could
    not be asked."""
    values: dict[str, list[float | None]] = {}
    faults: dict[int, list[str]] = {}
    notes: dict[int, list[str]] = {}
    errors = []
    for place, made in zip(found.more["places"], found.made, strict=True):
        for path, column in made["values"].items():
            values[f"{place}.{path}" if place and path else place or path] = column
        for index, what in made["faults"].items():
            faults.setdefault(int(index), []).append(what)
        for index, note in made.get("notes", {}).items():
            notes.setdefault(int(index), []).append(note)
        errors += [made["error"]] if made["error"] else []
    rows = [sample | {"faults": faults.get(n, []), "notes": notes.get(n, [])} for n, sample in enumerate(found.samples)]
    return {"rows": rows, "errors": errors, "data": {"values": values, "faults": sorted(faults)}}


def differences(found: Judged) -> dict[str, Any]:
    """Of two rewards: `rows` of samples with both values and `by` how much the second is higher, the largest change
    first, then those that only one applies to; the means where both apply, and how many differ."""
    columns = [made["values"].get("") or [None] * len(found.samples) for made in found.made]
    rows = [
        sample | {"number": n + 1, "a": a, "b": b, "by": _by(a, b), "faults": _faults(found, n)}
        for n, (sample, a, b) in enumerate(zip(found.samples, *columns, strict=True))
    ]
    rows.sort(key=_rank)
    both = [row for row in rows if row["by"] is not None]
    return {
        "rows": rows, "names": found.more["names"], "errors": [made["error"] for made in found.made if made["error"]],
        "differ": sum(row["a"] != row["b"] for row in rows), "both": len(both),
        "mean": {key: fmean(row[key] for row in both) if both else None for key in ("a", "b", "by")},
    }  # fmt: skip


def _by(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else b - a


def _rank(row: Mapping[str, Any]) -> tuple[int, float, int]:
    only_one = row["by"] is None and row["a"] != row["b"]
    changed = row["by"] not in (None, 0)
    return 0 if changed else 1 if only_one else 2, -abs(row["by"] or 0.0), row["number"]


def _faults(found: Judged, sample: int) -> list[str]:
    return [made["faults"][str(sample)] for made in found.made if str(sample) in made["faults"]]
