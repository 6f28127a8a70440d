"""Runs side by side: overlaid curves, where their documents differ, and what each said to the same prompt."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from labapp.accounts.access import scoped, team_of
from labapp.observatory.models import Rollout
from labapp.runs.models import Run
from labapp.workshop.formula_check import Checked, checked
from workers.contract.formula.words import CREDIT, OBJECTIVE

MOST = 12
PER_RUN = 4
FORMULA = re.compile(r"^(credit|objective|extras\.\d+)\.source$")


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`?run=<id>&run=<id>`: two to twelve runs of the team; `?prompt=` chooses a prompt."""
    team_of(request)
    wanted = [name for name in map(_uuid, request.GET.getlist("run")[:MOST]) if name is not None]
    found = {run.pk: run for run in scoped(Run.objects.select_related("experiment"), request).filter(pk__in=wanted)}
    runs = [found[name] for name in dict.fromkeys(wanted) if name in found]
    prompts = _shared_prompts(runs) if len(runs) > 1 else []
    keys = [prompt["prompt_key"] for prompt in prompts]
    chosen = request.GET.get("prompt", "") if request.GET.get("prompt") in keys else (keys[0] if keys else "")
    context = {
        "runs": runs,
        "others": scoped(Run.objects, request).filter(deleted=None).exclude(pk__in=wanted).order_by("-created")[:50],
        "differences": [row | {"cells": _cells(row)} for row in differences([run.spec for run in runs])],
        "prompts": prompts,
        "chosen": chosen,
        "sides": [{"run": run, "rows": _said(run, chosen)} for run in runs] if chosen else [],
        "data": [
            {"id": str(run.pk), "name": run.name, "curves": reverse("observatory:curves", args=[run.pk])}
            for run in runs
        ],
    }
    return render(request, "runs/compare.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def differences(specs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields whose values are not the same in all documents: `{path, values}`; None where a document lacks one."""
    flat = [dict(flatten(spec)) for spec in specs]
    paths = dict.fromkeys(path for one in flat for path in one)
    rows = [{"path": path, "values": [one.get(path) for one in flat]} for path in paths]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"])]


def _cells(row: Mapping[str, Any]) -> list[tuple[Any, Checked | None]]:
    """Each value of a row with what it is as a formula, where the field holds the text of one."""
    match = FORMULA.match(row["path"])
    if match is None:
        return [(value, None) for value in row["values"]]
    kind = CREDIT if match[1] == CREDIT else OBJECTIVE
    return [(value, checked(value, kind) if value and isinstance(value, str) else None) for value in row["values"]]


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a document with its dotted path; digests, which follow from names, are left out."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name != "digest":
                yield from flatten(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from flatten(item, f"{path}.{place}")
    else:
        yield path, value


def _shared_prompts(runs: list[Run]) -> list[dict[str, Any]]:
    """Prompts that all the runs answered, those seen most first."""
    rows = Rollout.objects.filter(run__in=runs).values("prompt_key")
    rows = rows.annotate(runs=Count("run", distinct=True), prompt=Max("prompt"), seen=Count("pk"))
    return [dict(row) for row in rows.filter(runs=len(runs)).order_by("-seen", "prompt_key")[:50]]


def _said(run: Run, key: str) -> list[Rollout]:
    """A run's newest completions of a prompt, the best first."""
    rows = Rollout.objects.filter(run=run, prompt_key=key)
    newest = rows.aggregate(step=Max("step"))["step"]
    return list(rows.filter(step=newest).order_by(F("total").desc(nulls_last=True), "index")[:PER_RUN])
