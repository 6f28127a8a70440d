"""An algorithm taken into the form of a run: all its parts at once, in the place of those that stood there."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest

from labapp.accounts.access import team_of
from labapp.accounts.models import Team
from labapp.runs.filling import recipe_texts
from labapp.runs.form_data import Data
from labapp.runs.guided import guided
from labapp.workshop import algorithms
from labapp.workshop.algorithms import FIELDS, with_recipe
from workers.contract.catalogue import Catalogue
from workers.contract.spec import RunSpec, SpecError

READY = "ready:"


def chosen(team: Team, name: str, catalogue: Catalogue) -> tuple[Mapping[str, Any], str] | None:
    """(recipe, reference) of a saved version `<id>@<version>` or of a ready-made recipe `ready:<slug>`; None where
    there is none, or none that this lab can read."""
    if name.startswith(READY):
        ready = algorithms.ready(guided(catalogue), catalogue)
        found = next((one for one in ready if one.slug == name.removeprefix(READY)), None)
        return None if found is None else (found.recipe, "")
    saved = algorithms.version(team, name)
    if saved is None:
        return None
    try:
        with_recipe(guided(catalogue), saved.document)
    except SpecError:
        return None
    return saved.document, saved.reference


def linked(request: HttpRequest, name: str, catalogue: Catalogue) -> tuple[Mapping[str, Any], str] | None:
    """What an address that names an algorithm means, as `chosen` has it. 404 for what is not there; what is there and
    cannot be read by this lab is told to the person, and None."""
    team = team_of(request)
    found = chosen(team, name, catalogue)
    if found is not None:
        return found
    ready = (one.title for one in algorithms.everything() if f"{READY}{one.slug}" == name)
    there = algorithms.version(team, name) or next(ready, None)
    if there is None:
        raise Http404
    messages.warning(request, f"This lab cannot read {there}; the guided run's parts are shown in its place.")
    return None


def with_algorithm(data: Data, spec: RunSpec, catalogue: Catalogue) -> dict[str, str]:
    """The form data with the algorithm of `spec`."""
    kept = {path: text for path, text in data.items() if path.partition(".")[0] not in (*FIELDS, "algorithm")}
    return kept | algorithm_texts(spec, catalogue)


def algorithm_texts(spec: RunSpec, catalogue: Catalogue) -> dict[str, str]:
    """The form data of everything that belongs to an algorithm."""
    sizes = {"siblings": str(spec.siblings), "optimiser.passes": str(spec.optimiser.passes)}
    return recipe_texts(spec, catalogue) | sizes


def taken(data: Data, team: Team, name: str, catalogue: Catalogue) -> dict[str, str]:
    """The form data with the algorithm of that name; unchanged when there is none."""
    found = chosen(team, name, catalogue)
    return dict(data) if found is None else with_algorithm(data, with_recipe(guided(catalogue), *found), catalogue)
