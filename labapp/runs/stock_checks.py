"""Runs that learn from stored completions: whether a data set suits the run, and what of it a loss can learn from."""

from collections.abc import Iterator

from labapp.runs.model_checks import model_facts
from labapp.runs.stock_facts import StockFacts, stock_facts
from labapp.workshop.models import DataSet, DataVersion
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.picking import method_of
from workers.contract.spec import RunSpec

SAMPLED, FROM_FILE = {"prompts": 256, "siblings": 4, "rounds": 1}, {"prompts": 0, "siblings": 4, "rounds": 1}


def stock_troubles(spec: RunSpec, catalogue: Catalogue, version: DataVersion) -> Iterator[Trouble]:
    """Whether the run may learn from this set, with the mend: sets of prompts for runs that sample, sets of completions
    for those that do not, and of these what the loss can learn from."""
    stored = spec.pool is not None and spec.pool.prompts == 0
    kind = version.dataset.kind
    if stored and kind not in DataSet.STORED:
        what = (
            f"{version} holds prompts without completions, and this run learns from stored ones: choose preference "
            "pairs or recorded completions, or let the policy sample its own"
        )
        yield Trouble("prompts.dataset", what, {"pool": SAMPLED})
    elif not stored and kind in DataSet.STORED:
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
    made = model_facts(spec, version.dataset.team_id)
    if made is None or made.longest is None or not made.bytes_only or facts.longest < made.longest:
        return
    mend = (
        "set the longest when you map the columns" if version.dataset.kind == DataSet.PAIRS else "leave longer rows out"
    )
    what = (
        f"prompt and completion of row {facts.longest_row:,} of {version} have {facts.longest + 1:,} tokens, and the "
        f"model has {made.longest:,} positions: take a larger one, or upload it again and {mend}"
    )
    yield Trouble("prompts.dataset", what)
