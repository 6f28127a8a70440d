"""What the editor asks for while someone writes: marks in the text, and a trial on samples."""

from dataclasses import asdict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import requires, team_of
from labapp.workshop import samples, trials
from labapp.workshop.samples import NoSamples
from labapp.workshop.trials import Trial
from workers.contract import rewardcode


@require_POST
@requires("change")
def check(request: HttpRequest) -> HttpResponse:
    """What keeps the text from being used, as marks {line, column, message}; it is read, never run."""
    source = request.POST.get("source", "").replace("\r\n", "\n")
    return JsonResponse({"marks": [asdict(mark) for mark in rewardcode.check(source)]})


@require_POST
@requires("change")
def start(request: HttpRequest) -> HttpResponse:
    """Try the text on the samples that the form names; the answer asks for the result by itself."""
    team = team_of(request)
    source = request.POST.get("source", "").replace("\r\n", "\n")
    marks = rewardcode.check(source)
    if marks:
        reason = f"Line {marks[0].line}: {marks[0].message}"
        return render(request, "workshop/trial.html", {"trial": Trial("failed", reason=reason)})
    try:
        found = samples.gather(team, request.POST)
    except NoSamples as error:
        return render(request, "workshop/trial.html", {"trial": Trial("failed", reason=str(error))})
    return render(request, "workshop/trial.html", {"trial": trials.start(team, source, found)})


@require_safe
@requires("change")
def look(request: HttpRequest, task: UUID) -> HttpResponse:
    """The result of a trial, or that it is still waited for."""
    found = trials.look(team_of(request), task)
    if found is None:
        raise Http404
    return render(request, "workshop/trial.html", {"trial": found})
