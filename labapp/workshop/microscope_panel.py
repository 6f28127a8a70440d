"""What the microscope's form offers, and what a link has chosen of it."""

from typing import Any

from django.http import Http404, HttpRequest

from labapp import shelf
from labapp.accounts.access import scoped_get, team_of
from labapp.observatory.models import Rollout
from labapp.runs.choosing import READY, chosen
from labapp.runs.models import Run
from labapp.runs.starting import run_number
from labapp.workshop import algorithms, microscope, samples

OWN, NOTHING = "run", "none"  # choices beside recipes by name: the run's own, and this recipe alone
EVEN = "even"  # the choice of weights that have the same mean size in both recipes


def panel(request: HttpRequest) -> dict[str, Any]:
    """The choices, and what the address has chosen: `run`, `step`, `beside`, `scale`. What it names is offered although
    the list would leave it out; `look_troubles` says what is not there. `look_asked` is whether the page may look by
    itself: a link names a run, and everything that it names is there."""
    runs = samples.runs(team_of(request))
    wanted, text = request.GET.get("run", ""), request.GET.get("step", "")
    run, trouble = _asked_run(request, wanted) if wanted else (None, "")
    if run is None:
        run, text = runs[0] if runs else None, ""
    elif run not in runs:
        runs.append(run)
    steps, no_step = _steps(run, text)
    beside, title, no_recipe = _beside(request)
    troubles = [one for one in (trouble, no_step, no_recipe) if one]
    return {
        "look_runs": runs, "look_run": run, "look_steps": steps, "look_step": text, "look_beside": beside,
        "look_beside_title": title, "look_even": request.GET.get("scale") == EVEN, "look_troubles": troubles,
        "look_asked": bool(wanted) and not troubles,
    }  # fmt: skip


def run_of(request: HttpRequest, number: str) -> Run:
    """The team's run of that number; 404 for another team's, for a deleted one, and for what is no number."""
    return scoped_get(Run.objects.filter(deleted=None), request, pk=run_number(number))


def step_of(text: str) -> int | None:
    """The step that a text names; None for what is no step's number."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _asked_run(request: HttpRequest, number: str) -> tuple[Run | None, str]:
    """(run, trouble), one of them."""
    try:
        run = run_of(request, number)
    except Http404:
        return None, "This team has no such run, or it was deleted."
    stored = Rollout.objects.filter(run=run).exists()
    return (run, "") if stored else (None, f"{run.name} has no stored completions.")


def _steps(run: Run | None, text: str) -> tuple[list[int], str]:
    """(the choices of a step, newest first, with the one that `text` names; what is wrong with that one)."""
    if run is None:
        return [], ""
    found, step = microscope.steps(run), step_of(text)
    if not text or step in found:
        return found, ""
    if step is None or not Rollout.objects.filter(run=run, step=step).exists():
        return found, f"{run.name} has no completions of step {text[:20]}."
    return sorted([*found, step], reverse=True), ""


def _beside(request: HttpRequest) -> tuple[str, str, str]:
    """(name, title, trouble) of what the address compares with; the run's own recipe where it names none, or none that
    can be read."""
    name = request.GET.get("beside", OWN)
    if name in (OWN, NOTHING):
        return name, "", ""
    if chosen(team_of(request), name, shelf.catalogue()) is None:
        return OWN, "", "The recipe to compare with is not there, or cannot be read."
    return name, title(request, name), ""


def title(request: HttpRequest, name: str) -> str:
    """What a recipe that is there is called: a saved version, or a ready-made one."""
    saved = algorithms.version(team_of(request), name)
    if saved is not None:
        return f"{saved.algorithm.name}, version {saved.number}"
    return next(one.title for one in algorithms.everything() if one.slug == name.removeprefix(READY))
