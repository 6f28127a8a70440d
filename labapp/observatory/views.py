"""What a run's widgets read: tables of rollouts, one strip, one tree, the front, the curves. All are only looked at."""

import json
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labapp.accounts.access import scoped_get
from labapp.observatory import curves as thinned
from labapp.observatory import front as fronts
from labapp.observatory import listing, reading
from labapp.observatory.downloads import csv_answer
from labapp.observatory.models import Rollout
from labapp.observatory.trees import tree_of
from labapp.runs.models import Run

SPARE = ("step", "total", "length", "end")  # columns that a narrow screen leaves out


def run_of(request: HttpRequest, run_id: UUID) -> Run:
    """The team's run, with its experiment and owner; 404 for another team's."""
    return scoped_get(Run.objects.select_related("experiment", "owner"), request, pk=run_id)


@require_safe
def rollouts(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One page of the table of rollouts, as a piece of HTML."""
    run = run_of(request, run_id)
    try:
        filters = listing.read_filters(request.GET)
    except listing.AskedWrong as error:
        return render(request, "observatory/rollouts_table.html", {"error": str(error), "run": run}, status=400)
    page = Paginator(listing.find(run, filters), listing.PAGE).get_page(request.GET.get("page"))
    labels = reward_labels(run)
    columns = _columns(labels, request.GET, filters.step_alone)
    context = {
        "run": run, "page": page, "labels": labels, "filters": filters, "columns": columns,
        "rows": [
            {"rollout": row, "rewards": [row.rewards.get(one) for one in labels], "advantage": _signed(row.advantage)}
            for row in page
        ],
        "judged": any(row.label is not None for row in page), "query": _without(request.GET, "page"),
    }  # fmt: skip
    return render(request, "observatory/rollouts_table.html", context)


def reward_labels(run: Run) -> list[str]:
    """The labels of a run's rewards, in the order of its spec."""
    return [reward["label"] for reward in run.spec.get("rewards", [])]


def _columns(labels: list[str], asked: QueryDict, one_step: bool) -> list[dict[str, Any]]:
    """The sortable columns: title, direction now, the query that sorts by it, and whether a phone can spare it."""
    names = [(f"reward.{label}", label) for label in labels] + [("total", "total"), ("advantage", "advantage")]
    now = asked.get("sort", "")
    columns = []
    steps = [] if one_step else [("step", "step")]
    for name, title in [*steps, *names, ("length", "tokens"), ("end", "end")]:
        turned = name if now == f"-{name}" else f"-{name}"
        state = {name: "ascending", f"-{name}": "descending"}.get(now, "")
        query = _without(asked, "sort", "page")
        link = f"{query}&sort={turned}".lstrip("&")
        columns.append({"title": title, "sorted": state, "query": link, "spare": name in SPARE})
    return columns


def _signed(value: float | None) -> str:
    """Two digits and a sign, as credit is read: +0.82, −1.14."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def _without(asked: QueryDict, *names: str) -> str:
    kept = asked.copy()
    for name in names:
        kept.pop(name, None)
    return kept.urlencode()


@require_safe
def rollouts_csv(request: HttpRequest, run_id: UUID) -> HttpResponse | StreamingHttpResponse:
    """All rollouts that match the filters, as a download."""
    run = run_of(request, run_id)
    try:
        rows = listing.find(run, listing.read_filters(request.GET))
    except listing.AskedWrong as error:
        return _refused(str(error))
    return csv_answer(listing.csv_rows(rows, reward_labels(run)), f"{run.name}-rollouts.csv")


@require_safe
def strip(request: HttpRequest, run_id: UUID, step: int, index: int) -> HttpResponse:
    """One completion with every stream of its tokens."""
    run = run_of(request, run_id)
    row = Rollout.objects.filter(run=run, step=step, index=index).first()
    if row is None:
        raise Http404(f"There is no rollout {index} at step {step}.")
    try:
        data = reading.one(row.file, index)
    except FileNotFoundError:
        data = None
    if data is None:
        return JsonResponse({"error": f"The file of step {step} is gone from storage: {row.file}"}, status=410)
    data.pop("tokens")
    return _json(data | {"group": row.group})


@require_safe
def tree(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The prefix tree of one group of one step; by default the newest step and its most telling group."""
    run = run_of(request, run_id)
    try:
        filters = listing.read_filters(request.GET)
    except listing.AskedWrong as error:
        return _refused(str(error))
    step = filters.step
    if step is None:
        step = Rollout.objects.filter(run=run).aggregate(newest=Max("step"))["newest"]
    found = [] if step is None else listing.groups(run, step)
    if not found:
        return _json({"step": step, "group": None, "groups": [], "root": None})
    number = listing.telling(found) if filters.group is None else filters.group
    member = Rollout.objects.filter(run=run, step=step, group=number).first()
    if member is None:
        raise Http404(f"There is no group {number} at step {step}.")
    try:
        rows = reading.group(member.file, number)
    except FileNotFoundError:
        return JsonResponse({"error": f"The file of step {step} is gone from storage: {member.file}"}, status=410)
    return _json({"step": step, "group": number, "groups": found[:500], "prompt": member.prompt, **tree_of(rows)})


@require_safe
def front(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Checkpoints in the plane of two rewards, recomputed for the reference point in the address."""
    run = run_of(request, run_id)
    known = fronts.known(run)
    names = fronts.labels(known, reward_labels(run))
    x = request.GET.get("x") or (names[0] if names else "")
    y = request.GET.get("y") or next((name for name in names if name != x), x)
    try:
        asked = {name: _number(request, name) for name in ("rx", "ry", "upto")}
    except ValueError as error:
        return _refused(str(error))
    upto = None if asked["upto"] is None else int(asked["upto"])
    return _json(fronts.describe(known, fronts.Axes(x, y, asked["rx"], asked["ry"]), names, upto))


def _number(request: HttpRequest, name: str) -> float | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e12:
        raise ValueError(f"{name}: a number is needed, not {text[:40]!r}")
    return value


@require_safe
def curves(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Every curve of a run, thinned."""
    series = thinned.curves(run_of(request, run_id))
    return _json({"names": list(series), "series": series})


@require_safe
def metrics_csv(request: HttpRequest, run_id: UUID) -> StreamingHttpResponse:
    """Every point of every curve, as a download."""
    run = run_of(request, run_id)
    return csv_answer(thinned.csv_rows(run), f"{run.name}-metrics.csv")


def _refused(what: str) -> JsonResponse:
    return JsonResponse({"error": what}, status=400)


def _json(data: dict[str, Any]) -> HttpResponse:
    """JSON in which what is not finite is null, as browsers need it."""
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(data), ensure_ascii=False, allow_nan=False)
    return HttpResponse(text, content_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
