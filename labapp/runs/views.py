"""The list of runs, the page of one run, and what a person can do with it: stop, resume, delete, undo."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import current_membership, may_here, requires, scoped, scoped_get, team_of
from labapp.accounts.search import words_of
from labapp.observatory.agreement import agreement
from labapp.observatory.downloads import file_name
from labapp.observatory.health.report import report
from labapp.observatory.models import Rollout
from labapp.runs import feed, launch
from labapp.runs.learned import may_begin
from labapp.runs.lineage import lineage, origin
from labapp.runs.models import STATES, Checkpoint, Experiment, MetricLatest, Run
from labapp.runs.recipe_view import recipe_of
from labapp.runs.sparks import sparks
from labapp.workshop.replay_views import panel
from workers import documents
from workers.contract.spec import SpecError, from_dict, to_json

PAGE = 50
SORTS = ("name", "state", "step", "created", "owner__email")
TABS = (
    ("overview", "Overview"), ("rollouts", "Rollouts"), ("credit", "Credit"), ("tree", "Tree"), ("front", "Front"),
    ("health", "Health"), ("replay", "Replay"), ("config", "Config"), ("log", "Log"), ("files", "Files"),
)  # fmt: skip
DONE = {
    "stop": "The run stops after the step it is in and keeps a checkpoint.",
    "resume": "The run is queued and goes on from its last checkpoint.",
    "delete": "The run is deleted.",
    "undelete": "The run is back.",
}
ACTIONS = {"stop": launch.stop, "resume": launch.enqueue, "delete": launch.delete, "undelete": launch.undelete}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The team's runs: filtered, sorted and paged by the address."""
    team_of(request)
    rows = _asked(request)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    kept = request.GET.copy()
    kept.pop("page", None)
    context = {
        "page": page, "rows": _rows(list(page)), "states": STATES, "query": kept.urlencode(),
        "experiments": scoped(Experiment.objects, request).order_by("name"), "asked": request.GET,
        "words": words_of(request),
        "deleted": bool(request.GET.get("deleted")), "undo_days": launch.UNDO.days,
        "any": bool(page.paginator.count) or scoped(Run.objects, request).exists(),
    }  # fmt: skip
    return render(request, "runs/list.html", context)


def _asked(request: HttpRequest) -> QuerySet[Run]:
    """The runs that the address asks for."""
    rows = scoped(Run.objects.select_related("experiment", "owner"), request)
    if request.GET.get("deleted"):
        rows = rows.filter(deleted__gt=timezone.now() - launch.UNDO)
    else:
        rows = rows.filter(deleted=None)
    if request.GET.get("state") in STATES:
        rows = rows.filter(state=request.GET["state"])
    if request.GET.get("experiment", "").isdecimal():
        rows = rows.filter(experiment_id=request.GET["experiment"][:9])
    rows = rows.filter(name__icontains=words_of(request))
    sort = request.GET.get("sort", "")
    return rows.order_by(sort if sort.removeprefix("-") in SORTS else "-created", "-created")


def _rows(runs: list[Run]) -> list[dict[str, Any]]:
    """Each run with the curve of its reward and its newest held-out accuracy; two queries for all."""
    curves = sparks([run.pk for run in runs])
    names = ("heldout/accuracy", "reward/total")
    latest: dict[tuple[UUID, str], float] = {}
    for run_id, name, value in MetricLatest.objects.filter(run__in=runs, name__in=names).values_list(
        "run_id", "name", "value"
    ):
        latest[run_id, name] = value
    return [
        {"run": run, "curve": curves[run.pk], "reward": latest.get((run.pk, "reward/total")),
         "accuracy": latest.get((run.pk, "heldout/accuracy")), "summary": feed.summary(run.spec)}
        for run in runs
    ]  # fmt: skip


@require_safe
def detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run: complete as it is now; the page's script then follows it live."""
    run = scoped_get(Run.objects.select_related("experiment", "owner", "parent", "team"), request, pk=run_id)
    membership = current_membership(request)
    snapshot = feed.snapshot(run, None if membership is None else membership.role)
    tab = request.GET.get("tab", "overview")
    tabs = [one for one in TABS if run.kind == Run.TRAIN or one[0] != "front"]
    labels = [reward["label"] for reward in run.spec.get("rewards", [])]
    asked = request.GET.get("reward", "")
    chosen: str = asked if asked in labels else next(iter(labels), "")
    document = _document(run)
    judged = run.kind == Run.ANALYSIS and bool(chosen)
    context = {
        "run": run, "snapshot": snapshot, "header": snapshot["header"], "tabs": tabs,
        "tab": tab if tab in dict(tabs) else "overview", "labels": labels, "chosen": chosen,
        "spec_json": document, "spec_yaml": documents.yaml_of(json.loads(document)),
        "may_change": may_here(request, "change"), "files": _files(run) if tab == "files" else [],
        "agreement": agreement(run, chosen) if judged else None, "addresses": _addresses(run),
        "origin": origin(run), "lineage": lineage(run) if tab == "config" else {},
        "begins": tab == "files" and may_begin(run),
        "recipe": recipe_of(run), "health": report(run) if tab == "health" else [],
        "replay": panel(request, run) if tab == "replay" else {},
    }  # fmt: skip
    answer = render(request, "runs/detail.html", context)
    if run.deleted is not None:
        answer["X-Run-Deleted"] = "1"  # an open page whose socket is refused asks, and learns why
    return answer


def _document(run: Run) -> str:
    if run.kind == Run.TRAIN:
        try:
            return to_json(from_dict(run.spec))
        except SpecError:
            pass  # a document of another version is shown as it was stored
    return json.dumps(run.spec, indent=2, ensure_ascii=False)


def _addresses(run: Run) -> dict[str, str]:
    """Where the page's script reads and writes."""
    names = ("rollouts", "rollouts_csv", "tree", "front", "curves", "metrics_csv")
    found = {name: reverse(f"observatory:{name}", args=[run.pk]) for name in names}
    return found | {"page": reverse("runs:detail", args=[run.pk]), "socket": f"/ws/runs/{run.pk}/"}


def _files(run: Run) -> list[dict[str, Any]]:
    """Checkpoints and rollout files with their sizes (bytes)."""
    checkpoints = [
        {"name": row.name, "step": row.step, "kind": "checkpoint", "size": row.size, "digest": row.digest}
        for row in Checkpoint.objects.filter(run=run).order_by("-step")
    ]
    stored = Rollout.objects.filter(run=run).order_by("-step").values_list("file", "step").distinct()[:500]
    return checkpoints + [
        {"name": file.rpartition("/")[2], "step": step, "kind": "rollouts", "size": _size(file), "digest": ""}
        for file, step in stored
    ]


def _size(file: str) -> int | None:
    try:
        return default_storage.size(file)
    except FileNotFoundError:
        return None


@require_safe
def download(request: HttpRequest, run_id: UUID, name: str) -> HttpResponse | FileResponse:
    """One rollout file of the run, by the name that the Files tab shows."""
    run = scoped_get(Run.objects, request, pk=run_id)
    row = None if "\x00" in name else Rollout.objects.filter(run=run, file__endswith=f"/{name}").first()
    if row is None or not default_storage.exists(row.file):
        raise Http404("This file is not there (any more).")
    called = file_name(f"{run.name}-{name}")
    return FileResponse(default_storage.open(row.file, "rb"), as_attachment=True, filename=called)


@require_POST
@requires("change")
def act(request: HttpRequest, run_id: UUID, what: str) -> HttpResponse:
    """Stop, resume, delete or bring back a run; a refusal is told in a sentence and changes nothing."""
    run = scoped_get(Run.objects, request, pk=run_id)
    try:
        ACTIONS[what](run)
    except launch.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, DONE[what])
    return redirect(reverse("runs:detail", args=[run.pk]))
