"""What somebody sees of a reward before training: a dry run that is asked for, its result, and that as data."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import requires, team_of
from labapp.workshop import dryrun_form, dryrun_page, dryruns, samples
from labapp.workshop.dryrun_form import NotAsked
from labapp.workshop.dryruns import DryRun
from labapp.workshop.samples import NoSamples


@require_POST
@requires("change")
def start(request: HttpRequest) -> HttpResponse:
    """Try the reward of the form (a text `source`, or parts `tree`) on the samples that it names; the answer asks for
    the result by itself."""
    team = team_of(request)
    try:
        asked = dryrun_form.question(team, request.POST)
        found = samples.gather(team, request.POST)
    except (NotAsked, NoSamples) as error:
        return _answer(request, DryRun("failed", reason=str(error)))
    return _answer(request, dryruns.start(team, asked, found, samples.stored(team, request.POST)))


@require_safe
@requires("change")
def look(request: HttpRequest, task: UUID) -> HttpResponse:
    """The result of a dry run, or that it is still waited for."""
    return _answer(request, _found(request, task))


@require_safe
@requires("change")
def data(request: HttpRequest, task: UUID) -> HttpResponse:
    """All that was told, with the samples, as a JSON file."""
    found = _found(request, task)
    if found.state != "ready":
        raise Http404
    answer = JsonResponse({"samples": list(found.samples), **found.told})
    answer["Content-Disposition"] = 'attachment; filename="dry-run.json"'
    return answer


def _found(request: HttpRequest, task: UUID) -> DryRun:
    found = dryruns.look(team_of(request), task)
    if found is None:
        raise Http404
    return found


def _answer(request: HttpRequest, found: DryRun) -> HttpResponse:
    page = dryrun_page.page(found) if found.state == "ready" else {}
    return render(request, "workshop/dryrun.html", {"run": found, "page": page})
