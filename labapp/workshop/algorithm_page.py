"""What the page of an algorithm shows for some form data: its parts, and the panel of checks and formulas."""

from dataclasses import replace
from typing import Any

from django.urls import reverse

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import knobs
from labapp.runs.digests import with_digests
from labapp.runs.field_values import Wrong
from labapp.runs.fields import Draft
from labapp.runs.form_data import Data, renumbered
from labapp.runs.formulas import recipe_formulas
from labapp.runs.guided import guided
from labapp.runs.parts_page import field_rows, parts_context, trouble_rows
from labapp.runs.prechecks import first_of_each
from labapp.runs.recipe_fields import recipe_parts
from labapp.workshop import algorithms
from workers.contract.errors import Trouble
from workers.contract.recipes import recipe_troubles

SIBLINGS = tuple(one for one in knobs.SIZES if one.name == "siblings")
PASSES = tuple(one for one in knobs.OPTIMISER if one.name == "passes")


def read_form(posted: Data) -> Draft:
    """The algorithm that the form's texts describe, standing in the guided run."""
    catalogue, data, wrong = shelf.catalogue(), renumbered(posted), Wrong()
    spec = guided(catalogue)
    parts = recipe_parts(data, catalogue, wrong) | wrong.values(SIBLINGS, "", data)
    optimiser = replace(spec.optimiser, **wrong.values(PASSES, "optimiser", data))
    return Draft(replace(spec, **parts, optimiser=optimiser), "", wrong.found)


def troubles(draft: Draft) -> list[Trouble]:
    """What is wrong with the algorithm. Which model a guide is, the run that uses it says."""
    found = [*draft.wrong, *recipe_troubles(draft.spec, shelf.catalogue())]
    return first_of_each(one for one in found if not (one.path.startswith("companions.") and _of_model(one.path)))


def _of_model(path: str) -> bool:
    return path.endswith(".model")


def document(draft: Draft) -> dict[str, Any]:
    """What is saved: the parts, with the digest of every method as it is now."""
    return algorithms.document_of(with_digests(draft.spec, shelf.catalogue()))


def form_context(data: Data, team: Team) -> dict[str, Any]:
    """Everything that the form's template needs; `data` holds the texts of all fields."""
    catalogue = shelf.catalogue()
    return parts_context(data, catalogue) | {
        "data": {name.replace(".", "_"): text for name, text in data.items()},
        "passes": [*field_rows(SIBLINGS, "", data), *field_rows(PASSES, "optimiser", data)],
        "algorithms": algorithms.versions(team),
        "recipes": algorithms.ready(guided(catalogue), catalogue),
    }


def side_context(data: Data, draft: Draft) -> dict[str, Any]:
    """The panel beside the form."""
    return {
        "troubles": trouble_rows(troubles(draft), data),
        "formulas": recipe_formulas(draft.spec, shelf.catalogue()),
        "pipeline": algorithms.pipeline(draft.spec, shelf.catalogue()),
        "runs_new": reverse("runs:new"),
    }
