"""The new-run page. One address: GET shows the form filled in, POST does one thing with it, named by the field `do`."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labapp import shelf
from labapp.accounts.access import requires, scoped, team_of
from labapp.accounts.models import Team, User
from labapp.runs import launch, new_page
from labapp.runs.choosing import taken
from labapp.runs.digests import with_digests
from labapp.runs.fields import Draft
from labapp.runs.filling import fill, refreshed
from labapp.runs.form_steps import STEPS, texts
from labapp.runs.models import Experiment, Run
from labapp.runs.starting import run_number, starting_data
from labapp.workshop.saved import saved_rewards, texts_of
from workers import documents
from workers.contract.spec import to_dict

Answer = Callable[[HttpRequest, Team, dict[str, str]], HttpResponse]


@require_http_methods(["GET", "POST"])
@requires("change")
def new(request: HttpRequest) -> HttpResponse:
    """The form; `?guided=1` the guided run explained, `?clone=<run>` another run's values, `?begin=<run>` these on that
    run's newest checkpoint, `?try=<kind>/<name>` one method in the guided run, `?algorithm=<id>@<version>` a saved
    algorithm (`ready:<slug>` one that comes with the lab), `?dataset=<id>@<version>` and
    `?reward=code:<id>@<version>` (`tree:…`) the team's own."""
    team = team_of(request)
    if request.method == "GET":
        return _page(request, team, starting_data(request, team))
    data, do = texts(request.POST), request.POST.get("do", "launch")
    if do in STEPS:
        return _page(request, team, STEPS[do](data, request.POST))
    return ANSWERS.get(do, _launch)(request, team, data)


def _page(request: HttpRequest, team: Team, data: dict[str, str], status: int = 200, **more: Any) -> HttpResponse:
    """The whole page, or only the form and its panel for HTMX."""
    saved = saved_rewards(team)
    codes = texts_of(saved)
    data = refreshed(data, shelf.catalogue(), codes)
    context = new_page.form_context(data, team, saved)
    context |= new_page.side_context(data, new_page.read_form(data, codes), team, codes) | more
    names = scoped(Experiment.objects, request).order_by("name").values_list("name", flat=True)[:200]
    template = "runs/new_form.html" if "HX-Request" in request.headers else "runs/new.html"
    return render(request, template, context | {"experiments": names}, status=status)


def _check(request: HttpRequest, team: Team, data: dict[str, str]) -> HttpResponse:
    """The panel only, while someone types."""
    codes = texts_of(saved_rewards(team))
    context = new_page.side_context(data, new_page.read_form(data, codes), team, codes)
    return render(request, "runs/new_side.html", context)


def _paste(request: HttpRequest, team: Team, data: dict[str, str]) -> HttpResponse:
    """A pasted document fills the form; one that is no run is shown again with the line and field of what is wrong."""
    text = request.POST.get("document", "")
    catalogue = shelf.catalogue()
    try:
        spec = documents.read(text)
        documents.require_known(spec, catalogue, text)
    except documents.DocumentError as error:
        return _page(request, team, data, pasted=text, paste_error=str(error))
    kept = {name: data[name] for name in ("experiment",) if name in data}
    return _page(request, team, fill(spec, catalogue) | kept, pasted_name=spec.name)


def _algorithm(request: HttpRequest, team: Team, data: dict[str, str]) -> HttpResponse:
    """The parts of a saved algorithm or a ready-made recipe instead of those in the form."""
    return _page(request, team, taken(data, team, request.POST.get("use_algorithm", ""), shelf.catalogue()))


def _launch(request: HttpRequest, team: Team, data: dict[str, str]) -> HttpResponse:
    """The run is made and queued when nothing is wrong with it; else the page again, with what is."""
    codes, catalogue = texts_of(saved_rewards(team)), shelf.catalogue()
    draft = new_page.read_form(data, codes)
    if new_page.every_trouble(draft, catalogue, team, codes) or shelf.worker_differs() is not None:
        return _page(request, team, data, status=422, refused=True)
    assert isinstance(request.user, User)
    run = _create(request, team, request.user, draft, data.get("parent", ""))
    launch.enqueue(run)
    return redirect(reverse("runs:detail", args=[run.id]))


def _create(request: HttpRequest, team: Team, owner: User, draft: Draft, parent: str) -> Run:
    spec = with_digests(draft.spec, shelf.catalogue())
    cloned = scoped(Run.objects, request).filter(id=run_number(parent)).first() if parent else None
    return launch.create(team, owner, to_dict(spec), draft.experiment, parent=cloned)


ANSWERS: dict[str, Answer] = {
    "launch": _launch,
    "check": _check,
    "paste": _paste,
    "algorithm": _algorithm,
}
