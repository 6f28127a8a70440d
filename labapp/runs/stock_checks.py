"""Runs that learn from stored completions: which data sets they may take, and what a loss finds in one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.core.files.storage import default_storage

from labapp.accounts.models import Team
from labapp.runs.form_data import Data
from labapp.runs.model_checks import model_facts
from labapp.workshop.models import DataSet, DataVersion
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.picking import method_of
from workers.contract.spec import RunSpec

STORED = (DataSet.PAIRS, DataSet.COMPLETIONS)
SAMPLED, FROM_FILE = {"prompts": 256, "siblings": 4, "rounds": 1}, {"prompts": 0, "siblings": 4, "rounds": 1}
SHOWN = 200  # versions that a choice shows of each kind


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


def reads_file(data: Data) -> bool:
    """Whether a form's run takes its completions from the rows of its prompts' file."""
    return bool(data.get("pool.on")) and data.get("pool.prompts", "").strip() == "0"


def data_sets(team: Team, data: Data) -> list[tuple[str, list[tuple[str, str]]]]:
    """(kind in words, options of a select) of the team's sets with confirmed columns that the form's run may take,
    newest first; what is chosen stands there although it is of another kind."""
    confirmed = DataVersion.objects.filter(dataset__team=team).exclude(file="").select_related("dataset")
    kinds = STORED if reads_file(data) else (DataSet.PROMPTS,)
    found = {kind: list(confirmed.filter(dataset__kind=kind).order_by("-created")[:SHOWN]) for kind in kinds}
    address = data.get("prompts.dataset", "")
    if address and not any(reference(one) == address for versions in found.values() for one in versions):
        number, _, version = address.partition("@")
        whole = number.isdecimal() and version.isdecimal() and len(number) < 19 and len(version) < 10
        other = confirmed.filter(dataset_id=int(number), number=int(version)).first() if whole else None
        if other is not None:
            found.setdefault(other.dataset.kind, []).append(other)
    return [(DataSet.HOLDS[kind], [_option(one) for one in versions]) for kind, versions in found.items() if versions]


def _option(one: DataVersion) -> tuple[str, str]:
    return reference(one), f"{one} · {one.rows:,} rows"


def reference(one: DataVersion) -> str:
    """What names a version in a run's document."""
    return f"{one.dataset_id}@{one.number}"


def stock_troubles(spec: RunSpec, catalogue: Catalogue, version: DataVersion) -> Iterator[Trouble]:
    """Whether the run may learn from this set, with the mend: sets of prompts for runs that sample, sets of completions
    for those that do not, and of these what the loss can learn from."""
    stored = spec.pool is not None and spec.pool.prompts == 0
    kind = version.dataset.kind
    if stored and kind not in STORED:
        what = (
            f"{version} holds prompts without completions, and this run learns from stored ones: choose preference "
            "pairs or recorded completions, or let the policy sample its own"
        )
        yield Trouble("prompts.dataset", what, {"pool": SAMPLED})
    elif not stored and kind in STORED:
        what = (
            f"{version} holds {version.dataset.holds}, and this run samples its own completions: learn from the stored "
            "ones, or choose a set of prompts"
        )
        yield Trouble("prompts.dataset", what, {"pool": FROM_FILE})
    elif stored and version.rows:
        facts = stock_facts(version)
        if facts is None:
            yield Trouble("prompts.dataset", f"the rows of {version} are gone: upload the file again")
            return
        yield from _suits(spec, catalogue, version, facts)
        yield from _fits(spec, version, facts)


def _suits(spec: RunSpec, catalogue: Catalogue, version: DataVersion, facts: StockFacts) -> Iterator[Trouble]:
    """Pairs are for losses of pairs or labels; of recorded completions a loss takes pairs, labels or scored groups."""
    method = method_of(spec.objective, spec.objective.kind, catalogue)
    needs = () if method is None else method.needs
    name, kto = spec.objective.name, {"objective": {"kind": "preferences", "name": "kto"}}
    if version.dataset.kind == DataSet.PAIRS:
        if "pairs" not in needs and "labelled" not in needs:
            what = f"{name} learns from scores, and {version} says which completion is better, not by how much"
            yield Trouble("objective", what + ": take DPO", {"objective": {"kind": "preferences", "name": "dpo"}})
        return
    if 0 < facts.labelled < facts.rows:
        what = (
            f"only {facts.labelled:,} of the {facts.rows:,} completions of {version} have a label: map it again "
            "without labels, then the run's rewards judge all of them, or upload the labelled ones alone"
        )
        yield Trouble("prompts.dataset", what)
    elif method is None or not ("pairs" in needs or method.card.unit == "group"):
        return
    elif facts.groups == 0:
        what = f"{name} compares completions of one prompt, and {version} has one of each: take KTO, or give more"
        yield Trouble("prompts.dataset", what, kto)
    elif "pairs" in needs and facts.labelled and facts.telling == 0:
        what = f"no pair can be made of {version}: in each group all labels are equal; take KTO, or other completions"
        yield Trouble("prompts.dataset", what, kto)


def _fits(spec: RunSpec, version: DataVersion, facts: StockFacts) -> Iterator[Trouble]:
    """A model of bytes has a token for each byte, and one more for the end of a completion."""
    made = model_facts(spec)
    if made is None or made.longest is None or not made.bytes_only or facts.longest < made.longest:
        return
    mend = "set the longest when you map the columns" if version.dataset.kind == DataSet.PAIRS else "leave that row out"
    what = (
        f"prompt and completion of row {facts.longest_row:,} of {version} have {facts.longest + 1:,} tokens, and the "
        f"model has {made.longest:,} positions; upload it again and {mend}"
    )
    yield Trouble("prompts.dataset", what)


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
