"""The tab Replay of a run: what may be chosen, a replay that is asked for, and what it showed."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import may_here, requires, scoped_get, team_of
from labapp.runs.models import Run
from labapp.workshop import replay_choices, replays
from labapp.workshop.replay_choices import SPANS, NotReplayed
from labapp.workshop.replays import Replay

ANSWER = "runs/replay_answer.html"


def panel(request: HttpRequest, run: Run) -> dict[str, Any]:
    """The form, and what the address has chosen of it; with a reward in the address the page asks by itself."""
    choices = replay_choices.choices(team_of(request), run)
    asked = replay_choices.read(request.GET.dict())
    listed = any(asked.reward == name for _, found in choices for name, _ in found)
    labels = [reward["label"] for reward in run.spec.get("rewards", [])]
    return {"choices": choices, "asked": asked, "listed": listed, "labels": labels, "spans": SPANS}


@require_POST
@requires("see")
def start(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Replay what the form has chosen; the answer asks for the result by itself."""
    run = _run(request, run_id)
    try:
        asked = replay_choices.read(request.POST.dict())
        found = replays.start(team_of(request), run, asked, may_here(request, "change"))
    except NotReplayed as error:
        found = Replay("failed", reason=str(error))
    return render(request, ANSWER, {"replay": found, "run": run})


@require_safe
@requires("see")
def look(request: HttpRequest, run_id: UUID, task: UUID) -> HttpResponse:
    """What the replay showed, or that it is still waited for."""
    run = _run(request, run_id)
    found = replays.look(team_of(request), run, task)
    if found is None:
        raise Http404
    return render(request, ANSWER, {"replay": found, "run": run})


def _run(request: HttpRequest, run_id: UUID) -> Run:
    return scoped_get(Run.objects.filter(deleted=None), request, pk=run_id)
