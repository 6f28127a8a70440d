"""Data sets: the list, uploads, the page of one version, downloads, and deletion of what no run uses."""

import csv
from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import may_here, person, requires, scoped, scoped_get, team_of
from labapp.accounts.search import words_of
from labapp.workshop import prepared, uploads, uses
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.reading import FileError

PAGE, LISTED, BAD_SHOWN = 25, 50, 200


@require_safe
@requires("see")
def index(request: HttpRequest) -> HttpResponse:
    """The team's data sets, and the place to upload one."""
    return _index(request)


def _index(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    newest = Prefetch("versions", DataVersion.objects.select_related("author").order_by("-number"))
    found = scoped(DataSet.objects, request).prefetch_related(newest)
    asked = words_of(request)
    if asked:
        found = found.filter(name__icontains=asked)
    page = Paginator(found.order_by("-created"), LISTED).get_page(request.GET.get("page"))
    rows = [{"dataset": one, "versions": list(one.versions.all())} for one in page]
    context = {
        "page": page, "rows": rows, "asked": asked, "error": error, "limit": uploads.MOST_BYTES // 2**20,
        "any": bool(rows) or scoped(DataSet.objects, request).exists(),
    }  # fmt: skip
    return render(request, "data/index.html", context, status=status)


@require_POST
@requires("change")
def upload(request: HttpRequest) -> HttpResponse:
    """A file becomes a new data set; its columns are looked at next."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _index(request, "Choose a file first.", 422)
    try:
        made = uploads.receive(team_of(request), person(request), file, request.POST.get("name", ""))
    except FileError as error:
        return _index(request, str(error), 422)
    return redirect(reverse("data:columns", args=[made.dataset_id, made.number]))


@require_POST
@requires("change")
def upload_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A file becomes the next version of a data set."""
    dataset = scoped_get(DataSet.objects, request, pk=pk)
    file = request.FILES.get("file")
    newest = dataset.versions.order_by("-number").first()
    try:
        if not isinstance(file, UploadedFile):
            raise FileError("Choose a file first.")
        made = uploads.receive_again(dataset, person(request), file)
    except FileError as error:
        if newest is None:
            raise Http404 from None
        return _version_page(request, newest, str(error), 422)
    return redirect(reverse("data:columns", args=[pk, made.number]))


@require_safe
@requires("see")
def dataset(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest version of a data set, a confirmed one where there is one."""
    versions = scoped_get(DataSet.objects, request, pk=pk).versions
    newest = versions.exclude(file="").order_by("-number").first() or versions.order_by("-number").first()
    if newest is None:
        raise Http404
    return redirect(reverse("data:version", args=[pk, newest.number]))


def find(request: HttpRequest, pk: int, number: int) -> DataVersion:
    """One version of a data set of the team; 404 for any other."""
    found = DataVersion.objects.select_related("dataset", "author")
    rows = scoped(found, request, by="dataset__team").filter(dataset_id=pk, number=number)
    one = rows.first()
    if one is None:
        raise Http404
    return one


@require_safe
@requires("see")
def version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One version: its rows, the bad ones, its mapping, and where it is used."""
    one = find(request, pk, number)
    if not one.file and may_here(request, "change"):
        return redirect(reverse("data:columns", args=[pk, number]))
    return _version_page(request, one)


def _version_page(request: HttpRequest, one: DataVersion, error: str = "", status: int = 200) -> HttpResponse:
    tabs = (("rows", "Rows"), ("bad", f"Bad rows ({len(one.bad):,})"), ("columns", "Columns"), ("uses", "Used by"))
    tab = request.GET.get("tab", "rows")
    page = Paginator(range(one.rows), PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "version": one, "dataset": one.dataset, "address": one.reference, "error": error,
        "versions": one.dataset.versions.order_by("-number"), "tabs": tabs, "page": page,
        "tab": tab if tab in dict(tabs) else "rows", "bad": one.bad[:BAD_SHOWN], "runs": [],
        "recorded": one.dataset.kind == DataSet.COMPLETIONS, "paired": one.dataset.kind == DataSet.PAIRS,
        "limit": uploads.MOST_BYTES // 2**20,
    }  # fmt: skip
    if context["tab"] == "rows" and one.file:
        context |= _rows(one, page)
    if context["tab"] == "uses":
        context["runs"] = uses.runs_of_data(one.dataset, one.number).select_related("owner")[:200]
    return render(request, "data/version.html", context, status=status)


def _rows(one: DataVersion, page: Any) -> dict[str, Any]:
    start = page.start_index() - 1 if one.rows else 0
    try:
        found = prepared.read(one, start, PAGE)
    except FileNotFoundError:
        return {"gone": True}
    return {"rows": list(enumerate(found, start=start + 1))}


@require_POST
@requires("change")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a data set with all its versions, unless a run uses it."""
    one = scoped_get(DataSet.objects, request, pk=pk)
    refusal = uses.refusal(one.name, uses.runs_of_data(one))
    if refusal:
        messages.error(request, refusal)
        return redirect(reverse("data:dataset", args=[pk]))
    files = [path for pair in one.versions.values_list("original", "file") for path in pair]
    with transaction.atomic():
        one.delete()
        transaction.on_commit(lambda: uploads.forget(files))
    messages.success(request, f"{one.name} is deleted.")
    return redirect(reverse("data:index"))


@require_POST
@requires("change")
def discard(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Throw away an upload whose columns were not confirmed; with its only upload goes the data set."""
    one = find(request, pk, number)
    if one.file:
        messages.error(request, f"{one} is confirmed, and what was confirmed stays.")
        return redirect(reverse("data:version", args=[pk, number]))
    with transaction.atomic():
        one.delete()
        left = one.dataset.versions.exists()
        if not left:
            one.dataset.delete()
        transaction.on_commit(lambda: uploads.forget([one.original]))
    messages.success(request, f"The upload of {one.filename} is discarded.")
    return redirect(reverse("data:dataset", args=[pk]) if left else reverse("data:index"))


@require_safe
def original(request: HttpRequest, pk: int, number: int) -> FileResponse:
    """The file as it was uploaded."""
    one = find(request, pk, number)
    return _download(one.original, one.filename)


@require_safe
def rows(request: HttpRequest, pk: int, number: int) -> FileResponse:
    """The mapped rows, as workers read them."""
    one = find(request, pk, number)
    return _download(one.file, f"{PurePath(one.filename).stem}-{one.number}.jsonl")


def _download(path: str, name: str) -> FileResponse:
    if not path or not default_storage.exists(path):
        raise Http404
    return FileResponse(default_storage.open(path, "rb"), as_attachment=True, filename=name)


@require_safe
@requires("see")
def bad(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The rows that were left out, by line, with the reason."""
    one = find(request, pk, number)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="bad-rows-{pk}-{number}.csv"'
    writer = csv.writer(response)
    writer.writerow(["line", "reason"])
    writer.writerows([row["line"], row["reason"]] for row in one.bad)
    return response
