"""The microscope on the page of an algorithm: a run's steps, a look that is asked for, and what was seen."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labapp import shelf
from labapp.accounts.access import requires, team_of
from labapp.runs.choosing import chosen
from labapp.runs.form_steps import texts
from labapp.runs.models import Run
from labapp.workshop import algorithm_page, algorithms, microscope
from labapp.workshop.microscope import NothingToSee, Recipe, Sight
from labapp.workshop.microscope_panel import EVEN, NOTHING, OWN, run_of, step_of, title


@require_safe
@requires("see")
def steps(request: HttpRequest) -> HttpResponse:
    """The choices of a step of `?run=`, newest first."""
    found = microscope.steps(run_of(request, request.GET.get("run", "")))
    return render(request, "workshop/microscope_steps.html", {"look_steps": found})


@require_POST
@requires("see")
def start(request: HttpRequest) -> HttpResponse:
    """Look at a stored step with the parts that the form has now; the answer asks for the result by itself."""
    run = run_of(request, request.POST.get("run", ""))
    try:
        recipes = [_this(request), *_beside(request, run)]
        even = request.POST.get("scale") == EVEN
        sight = microscope.start(team_of(request), run, _step(request), recipes, even)
    except NothingToSee as error:
        sight = Sight("failed", reason=str(error))
    return render(request, "workshop/microscope_answer.html", {"sight": sight})


@require_safe
@requires("see")
def look(request: HttpRequest, task: UUID) -> HttpResponse:
    """What was seen, or that it is still waited for."""
    found = microscope.look(team_of(request), task)
    if found is None:
        raise Http404
    address = {"address": reverse("runs:detail", args=[found.told["run"]])} if found.told else {}
    return render(request, "workshop/microscope_answer.html", {"sight": found, "told": {**found.told, **address}})


def _step(request: HttpRequest) -> int:
    step = step_of(request.POST.get("step", ""))
    if step is None:
        raise NothingToSee("Choose a step.")
    return step


def _this(request: HttpRequest) -> Recipe:
    """The form's recipe; for those who may not change it, the version that the page shows."""
    data = texts(request.POST)
    if "objective.name" in data:
        draft = algorithm_page.read_form(data)
        for trouble in algorithm_page.troubles(draft)[:1]:
            raise NothingToSee(f"The checks name something to mend first: {trouble.what}.")
        return Recipe("this recipe", algorithm_page.document(draft))
    shown = algorithms.version(team_of(request), request.POST.get("shown", ""))
    if shown is None:
        raise NothingToSee("There is no such version of an algorithm in this team.")
    return Recipe("this recipe", shown.document)


def _beside(request: HttpRequest, run: Run) -> list[Recipe]:
    """The recipe to compare with: none, the run's own, a ready-made one or a saved version."""
    name, catalogue = request.POST.get("beside", NOTHING), shelf.catalogue()
    if name == NOTHING:
        return []
    if name == OWN:
        return [microscope.own(run)]
    found = chosen(team_of(request), name, catalogue)
    if found is None:
        raise NothingToSee("Choose a recipe to compare with: the chosen one is not there, or cannot be read.")
    return [Recipe(title(request, name), found[0])]
