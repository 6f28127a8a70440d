"""An analysis of recorded completions as one frozen document: what to read, how to score it, whose credit to show."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workers.contract.catalogue import Catalogue
from workers.contract.checking import reward_troubles
from workers.contract.errors import Trouble
from workers.contract.method import Method
from workers.contract.picking import pick_troubles
from workers.contract.spec import VERSION, Pick, RewardPick, SpecError, build

WORDS = "words"
"""The tokenizer that needs no model: words, numbers, single signs and runs of blanks."""

# What a credit method may ask for that recorded completions do not bring.
OF_A_RUN = {"value_NT": "a critic's values", "ref_logp_NT": "a reference policy's log-probabilities"}


@dataclass(frozen=True)
class AnalysisSpec:
    """Recorded completions, scored and credited without training.

    `path` is a local JSONL file of rows (prompt, completion, and optionally group, answer, label, source, columns);
    `dataset` is `<id>@<version>` of an uploaded set, which the door turns into a path. `tokenizer` is `words`,
    `starter`, `starter-skills`, a Hugging Face id, a local directory, or `run:<number>` as in a run's document. Several
    `credits` may be shown beside one another; tables show the advantage of the first.
    """

    name: str
    rewards: tuple[RewardPick, ...]
    credits: tuple[Pick, ...] = ()
    path: str = ""
    dataset: str = ""
    tokenizer: str = WORDS
    seed: int = 0
    version: int = VERSION


def to_dict(spec: AnalysisSpec) -> dict[str, Any]:
    """The document as JSON values."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(spec)))
    return document


def from_dict(document: object) -> AnalysisSpec:
    """A spec from JSON values; SpecError names the field that is missing, unknown or of the wrong type."""
    if isinstance(document, Mapping) and document.get("version", VERSION) != VERSION:
        raise SpecError(f"version: this lab reads version {VERSION}, the document says {document['version']!r}")
    spec = build(AnalysisSpec, document, "")
    assert isinstance(spec, AnalysisSpec)
    return spec


def troubles(spec: AnalysisSpec, catalogue: Catalogue) -> list[Trouble]:
    """Every trouble that can be seen without the rows."""
    return list(_troubles(spec, catalogue))


def _troubles(spec: AnalysisSpec, catalogue: Catalogue) -> Iterator[Trouble]:
    if bool(spec.path) == bool(spec.dataset):
        yield Trouble("path", "choose one source of completions: an uploaded set or a file")
    yield from reward_troubles(spec.rewards, catalogue)
    for index, pick in enumerate(spec.credits):
        yield from pick_troubles(f"credits.{index}", pick, "credit", catalogue)
        method = catalogue.methods.get(f"credit/{pick.name}")
        missing = [OF_A_RUN[need] for need in (method.needs if method else ()) if need in OF_A_RUN]
        if missing:
            what = f"{pick.name} needs {' and '.join(missing)}, which only a run has; take another credit method"
            yield Trouble(f"credits.{index}.name", what)


def credit_methods(catalogue: Catalogue) -> list[Method]:
    """The credit methods that recorded completions are enough for, by title."""
    return [method for method in catalogue.of("credit") if not set(method.needs) & set(OF_A_RUN)]
