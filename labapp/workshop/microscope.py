"""Looks through the microscope: recipes on a step's stored completions, asked of the quick worker and kept a while."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.core.cache import cache

from labapp import shelf
from labapp.accounts.models import Team
from labapp.observatory.models import Rollout
from labapp.runs.digests import changed_since
from labapp.runs.guided import guided
from labapp.runs.models import Run
from labapp.workshop import algorithms, quick
from labapp.workshop.algorithms import with_recipe, without_digests
from workers.contract import analysis
from workers.contract.picking import method_of
from workers.contract.recipes import places
from workers.contract.spec import RunSpec, SpecError, from_dict, to_dict

TASK = "merit.microscope"
PATIENCE = 30  # seconds after which we say that no worker answers
KEPT = 3600
LISTED = 200  # steps that a list of choices holds


class NothingToSee(ValueError):
    """Why there is nothing to look at, and what to do."""


@dataclass(frozen=True)
class Recipe:
    """A recipe to look through: its name on the page, and its document."""

    name: str
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Sight:
    """A look that is `ready`, `waiting` (for so many seconds), or `failed` (with the reason).

    `told` is what the page shows: {run, step, names, notes, result}.
    """

    state: str
    task: str = ""
    seconds: float = 0.0
    reason: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


def steps(run: Run) -> list[int]:
    """The run's steps that have completions, newest first; of a long run evenly spread ones."""
    found = list(Rollout.objects.filter(run=run).order_by("-step").values_list("step", flat=True).distinct())
    return found[:: -(-len(found) // LISTED)] if found else []


def own(run: Run) -> Recipe:
    """The recipe with which the run itself learned; NothingToSee for an analysis, which learned nothing."""
    if run.kind == Run.ANALYSIS:
        raise NothingToSee("This run is an analysis, which has no recipe: choose one to compare with.")
    return Recipe("the run's own", algorithms.document_of(_spec(run)))


def start(team: Team, run: Run, step: int, recipes: list[Recipe], even: bool = False) -> Sight:
    """Ask the quick worker to look at the run's completions of that step; NothingToSee says what is missing.

    `even` scales the weights of each recipe to a mean size of 1.
    `run` must be one of `team`'s.
    """
    assert run.team_id == team.pk
    row = Rollout.objects.filter(run=run, step=step).first()
    if row is None:
        raise NothingToSee(f"{run.name} has no completions of step {step}: choose another step.")
    specs = [_with(_spec(run), recipe) for recipe in recipes]
    sent = [row.file, step, [to_dict(one) for one in specs], even]
    asked = quick.ask(TASK, sent, PATIENCE)
    if asked.reason:
        return Sight("failed", reason=asked.reason)
    told = {"run": str(run.pk), "run_name": run.name, "step": step, "even": even,
            "names": [one.name for one in recipes],
            "notes": [_changed(one, spec) for one, spec in zip(recipes, specs, strict=True)]}  # fmt: skip
    cache.set(_key(team, asked.task), {"since": time.time(), "told": told}, KEPT)
    return Sight("waiting", asked.task)


def look(team: Team, task: UUID) -> Sight | None:
    """How far a look of this team is; None when the team has none of that number (any more)."""
    kept = cache.get(_key(team, str(task)))
    if kept is None:
        return None
    found = quick.look(str(task), kept["since"], PATIENCE, "Looks", "The worker could not look: {}")
    if found.state == "ready" and found.made["error"]:
        return Sight("failed", reason=found.made["error"])
    told = kept["told"] | {"result": found.made} if found.state == "ready" else {}
    return Sight(found.state, "" if found.state == "failed" else str(task), found.seconds, found.reason, told)


def _key(team: Team, task: str) -> str:
    return f"microscope:{team.pk}:{task}"


def _spec(run: Run) -> RunSpec:
    """The run as one in which a recipe can stand: an analysis lends its rewards to the guided run."""
    try:
        if run.kind == Run.ANALYSIS:
            return replace(guided(shelf.catalogue()), rewards=analysis.from_dict(run.spec).rewards)
        return from_dict(run.spec)
    except SpecError as error:
        raise NothingToSee(f"This lab cannot read the run {run.name} ({error}): choose another.") from error


def _with(spec: RunSpec, recipe: Recipe) -> RunSpec:
    try:
        return with_recipe(spec, without_digests(dict(recipe.document)))
    except SpecError as error:
        raise NothingToSee(f"This lab cannot read {recipe.name} ({error}): choose another recipe.") from error


def _changed(recipe: Recipe, spec: RunSpec) -> list[str]:
    """A sentence for each method that is another one now than when the recipe was saved."""
    catalogue = shelf.catalogue()
    saved = with_recipe(spec, recipe.document)
    found = ((pick, method_of(pick, kind, catalogue)) for _, pick, kind in places(saved))
    changed = [one.address for pick, one in found if one is not None and changed_since(pick, one)]
    return [f"{address} has changed since this was saved; here it is as it is now." for address in changed]
