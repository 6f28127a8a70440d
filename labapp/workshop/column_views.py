"""Which column is what: the guess, what it makes of the first rows, and the confirmation."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labapp.accounts.access import requires
from labapp.workshop import column_form, prepared, uploads
from labapp.workshop.data_views import find
from labapp.workshop.mapping import ColumnMap
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.prepared import Confirmed
from labapp.workshop.reading import FileError, Table
from labapp.workshop.uploads import Sample

ROWS, BAD = 4, 50  # first rows shown raw and as mapped; bad rows shown with their reason


@require_http_methods(["GET", "POST"])
@requires("change")
def columns(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """GET shows the guess; POST `do=look` what another mapping makes of the rows, `do=confirm` keeps it."""
    version = find(request, pk, number)
    if version.file:
        return redirect(reverse("data:version", args=[pk, number]))
    try:
        sample = uploads.sample(version)
    except FileError as error:
        return render(request, "data/columns.html", {"version": version, "dataset": version.dataset, "gone": error})
    if request.method == "GET":
        return _page(request, version, sample, prepared.starting_map(version, sample.table), version.dataset.kind)
    mapping = column_form.read_fields(request.POST)
    kind = column_form.read_kind(request.POST, version.dataset.kind) if _may_choose(version) else version.dataset.kind
    if request.POST.get("do") == "confirm":
        return _confirm(request, version, sample, mapping, kind)
    return _page(request, version, sample, mapping, kind)


def _may_choose(version: DataVersion) -> bool:
    """What a set holds is decided by its first confirmed version."""
    return not version.dataset.versions.exclude(file="").exists()


def _confirm(request: HttpRequest, version: DataVersion, sample: Sample, mapping: ColumnMap, kind: str) -> HttpResponse:
    if kind != version.dataset.kind:
        DataSet.objects.filter(pk=version.dataset_id).update(kind=kind)
        version.dataset.kind = kind
    try:
        made = prepared.confirm(version, mapping)
    except Confirmed as error:
        messages.error(request, str(error))
    except ValueError as error:
        return _page(request, version, sample, mapping, kind, str(error), 422)
    else:
        count = len(made.bad)
        left = f" {count:,} row{' was' if count == 1 else 's were'} left out." if count else ""
        messages.success(request, f"{made} holds {made.rows:,} {made.dataset.holds}.{left}")
    return redirect(reverse("data:version", args=[version.dataset_id, version.number]))


def _page(
    request: HttpRequest, version: DataVersion, sample: Sample, mapping: ColumnMap, kind: str,
    error: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    context: dict[str, Any] = {
        "version": version, "dataset": version.dataset, "kind": kind, "sample": sample, "mapping": mapping,
        "recorded": kind == DataSet.COMPLETIONS, "paired": kind == DataSet.PAIRS, "may_choose": _may_choose(version),
        "places": column_form.places(sample.table), "completions": column_form.rows_of_places(mapping),
    }  # fmt: skip
    context |= _look(sample.table, mapping, kind)
    context["error"] = error or context["error"]
    partial = "HX-Request" in request.headers
    return render(request, "data/columns_form.html" if partial else "data/columns.html", context, status=status)


def _look(table: Table, mapping: ColumnMap, kind: str) -> dict[str, Any]:
    """What the mapping makes of the rows, or the sentence that says why it makes nothing."""
    found: dict[str, Any] = {"error": "", "made": None, "shown": [_raw(row, line) for row, line in _first(table)]}
    try:
        made = prepared.prepare(table, mapping, kind)
    except ValueError as error:
        return found | {"error": str(error)}
    shown = []
    for row, line in _first(table):
        one = prepared.prepare(Table(table.columns, (row,), (line,)), mapping, kind)
        shown.append(_raw(row, line) | {"mapped": one.rows, "reason": one.bad[0].reason if one.bad else ""})
    labelled = [row["label"] for row in made.rows if row.get("label") is not None]
    return found | {
        "made": made, "shown": shown, "bad": made.bad[:BAD], "count": len(made.rows), "labelled": len(labelled),
        "groups": len({row["group"] for row in made.rows}) if kind == DataSet.COMPLETIONS else 0,
        "answered": sum(bool(row["answer"]) for row in made.rows),
    }  # fmt: skip


def _first(table: Table) -> list[tuple[Mapping[str, Any], int]]:
    return list(zip(table.rows[:ROWS], table.lines[:ROWS], strict=True))


def _raw(row: Mapping[str, Any], line: int) -> dict[str, Any]:
    return {"line": line, "raw": json.dumps(row, indent=1, ensure_ascii=False)[:6000]}
