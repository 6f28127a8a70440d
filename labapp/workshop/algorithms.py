"""Algorithms as recipes of parts: what of a run belongs to one, the ready-made ones, and saving versions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.db import IntegrityError, transaction

from labapp.accounts.models import Team, User
from labapp.workshop.models import Algorithm, AlgorithmVersion
from labapp.workshop.references import read_reference
from labapp.workshop.versioning import NotSaved, message_of, name_of
from workers.contract.card import Source
from workers.contract.catalogue import Catalogue
from workers.contract.method import MethodError
from workers.contract.picking import method_of
from workers.contract.recipes import places
from workers.contract.spec import Optimiser, RunSpec, from_dict, to_dict

FIELDS = (
    "selection", "shaping", "credit", "weighting", "order", "objective", "extras", "regularisers", "reduction",
    "companions", "pool", "siblings",
)  # fmt: skip
MOST = 500  # versions that a list of choices holds
READY = Path(__file__).with_name("recipes.yaml")


@dataclass(frozen=True)
class Ready:
    """A recipe that comes with the lab; `run` says in words what the run that uses it should have."""

    slug: str
    title: str
    source: Source
    words: str
    recipe: Mapping[str, Any] = field(repr=False)
    run: str = ""


@lru_cache(maxsize=1)
def everything() -> tuple[Ready, ...]:
    """All recipes that come with the lab, also those whose methods the library lacks."""
    entries = yaml.safe_load(READY.read_text())
    return tuple(Ready(**(entry | {"source": Source(**entry["source"])})) for entry in entries)


def ready(spec: RunSpec, catalogue: Catalogue) -> list[Ready]:
    """The ready-made recipes whose methods the catalogue has; `spec` is any run that they could stand in."""
    return [one for one in everything() if _known(with_recipe(spec, one.recipe), catalogue)]


def _known(spec: RunSpec, catalogue: Catalogue) -> bool:
    try:
        return all(catalogue.get(kind, pick.name) for _, pick, kind in places(spec))
    except MethodError:
        return False


def versions(team: Team) -> list[AlgorithmVersion]:
    """The team's saved recipes, newest version first within an algorithm."""
    found = AlgorithmVersion.objects.filter(algorithm__team=team).select_related("algorithm")
    return list(found.order_by("algorithm__name", "-number")[:MOST])


def version(team: Team, reference: str) -> AlgorithmVersion | None:
    """The team's version that `<id>@<version>` names; None when there is none (also for another team's)."""
    named = read_reference(reference)
    if named is None:
        return None
    found = AlgorithmVersion.objects.filter(algorithm__team=team).select_related("algorithm")
    return found.filter(algorithm_id=named[0], number=named[1]).first()


def document_of(spec: RunSpec) -> dict[str, Any]:
    """What of a run's document belongs to its algorithm: the parts, siblings, and passes over a batch."""
    whole = to_dict(spec)
    return {name: whole[name] for name in FIELDS} | {"optimiser": {"passes": spec.optimiser.passes}}


def with_recipe(spec: RunSpec, document: Mapping[str, Any], reference: str = "") -> RunSpec:
    """The run with the algorithm of `document` (what it leaves out is at its default); SpecError when it is none."""
    whole = to_dict(spec)
    plain = {name: value for name, value in whole.items() if name not in FIELDS}
    passes = document.get("optimiser", {}).get("passes", Optimiser().passes)
    parts = {name: value for name, value in document.items() if name in FIELDS}
    optimiser = whole["optimiser"] | {"passes": passes}
    return from_dict({"credit": None} | plain | parts | {"optimiser": optimiser, "algorithm": reference})


def without_digests(value: Any) -> Any:
    """A document as it was meant: digests follow from the files of the day it was saved."""
    if isinstance(value, Mapping):
        return {name: without_digests(item) for name, item in value.items() if name != "digest"}
    return [without_digests(item) for item in value] if isinstance(value, list) else value


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents are the same algorithm, whatever else they say."""
    keys = (*FIELDS, "optimiser")
    left, right = without_digests(dict(one)), without_digests(dict(other))
    left, right = ({name: side.get(name) for name in keys} for side in (left, right))
    for side in (left, right):
        side["optimiser"] = (side["optimiser"] or {}).get("passes", Optimiser().passes)
    return bool(left == right)


def origin(spec: RunSpec, team: Team) -> dict[str, Any] | None:
    """`{version, same}`: the saved algorithm that a run's parts were taken from, and whether they still are its."""
    found = version(team, spec.algorithm)
    return None if found is None else {"version": found, "same": same(found.document, document_of(spec))}


def pipeline(spec: RunSpec, catalogue: Catalogue) -> list[str]:
    """The recipe in a line: the titles of its parts in the order in which they work."""
    found = ((pick, method_of(pick, pick.kind, catalogue)) for pick in spec.parts())
    return [pick.name if method is None else method.card.title for pick, method in found]


def create(team: Team, author: User, name: str, document: dict[str, Any], message: str = "") -> AlgorithmVersion:
    """A new algorithm with `document` as its version 1; NotSaved says what to mend."""
    wanted = name_of(name, "the algorithm")
    _require_storable(document)
    try:
        with transaction.atomic():
            one = Algorithm.objects.create(team=team, name=wanted)
            return one.versions.create(number=1, document=document, message=message_of(message), author=author)
    except IntegrityError:
        raise NotSaved(f"There is an algorithm {wanted!r} already: choose another name.") from None


def save(algorithm: Algorithm, author: User, document: dict[str, Any], message: str = "") -> AlgorithmVersion:
    """`document` as the next version of `algorithm`; NotSaved when it is what the newest version says."""
    _require_storable(document)
    with transaction.atomic():
        Algorithm.objects.select_for_update().get(pk=algorithm.pk)  # two who save at once get two numbers
        newest = algorithm.versions.order_by("-number").first()
        if newest is not None and newest.document == document:
            raise NotSaved(f"These are the parts of version {newest.number}: nothing has changed.")
        number = 1 if newest is None else newest.number + 1
        return algorithm.versions.create(number=number, document=document, message=message_of(message), author=author)


def _require_storable(document: Mapping[str, Any]) -> None:
    if "\\u0000" in json.dumps(document):
        raise NotSaved("A parameter or a formula holds a null character, which no text has.")
