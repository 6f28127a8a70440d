"""The first page: recent runs with their curves, queue and workers, and the way into the guided run."""

from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from labapp.accounts import access
from labapp.celery_app import app as celery
from labapp.runs.models import Run
from labapp.runs.sparks import sparks

RECENT = 8
QUEUES = ("train", "quick")
ASKED_EVERY = 5  # seconds for which one answer of the workers serves everyone


def home(request: HttpRequest) -> HttpResponse:
    """Recent runs of the team; those without a team are told how to get into one."""
    team = access.current_team(request)
    if team is None:
        return render(request, "accounts/no_team.html")
    mine = access.scoped(Run.objects, request).filter(deleted__isnull=True)
    recent = list(mine.select_related("owner").order_by("-created")[:RECENT])
    curves = sparks([run.pk for run in recent])
    waiting = dict(mine.order_by().values_list("state").annotate(Count("pk")))
    context = {
        "rows": [{"run": run, "curve": curves[run.pk]} for run in recent],
        "total": sum(waiting.values()),
        "states": [{"name": name, "count": waiting.get(name, 0)} for name in ("running", "queued", "failed", "done")],
    }
    return render(request, "home.html", context)


def workers(request: HttpRequest) -> HttpResponse:
    """The part of the page that says which workers answer; loaded after it, since asking takes half a second."""
    return render(request, "accounts/workers.html", {"queues": _queues()})


def _queues() -> list[dict[str, Any]]:
    """For each queue how many workers listen to it and how many of them are busy."""
    known: list[dict[str, Any]] | None = cache.get("merit.workers")
    if known is not None:
        return known
    ask = celery.control.inspect(timeout=0.5)
    listening = ask.active_queues() or {}
    busy = (ask.active() or {}) if listening else {}
    queues = []
    for name in QUEUES:
        names = [worker for worker, queues_of in listening.items() if name in {one["name"] for one in queues_of}]
        queues.append({"name": name, "workers": len(names), "busy": sum(len(busy.get(one, [])) for one in names)})
    cache.set("merit.workers", queues, ASKED_EVERY)
    return queues
