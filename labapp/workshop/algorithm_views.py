"""Algorithms as recipes of parts: the list, the page where one is built, versions that never change, their history."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labapp import shelf
from labapp.accounts.access import person, require, requires, scoped, scoped_get, team_of
from labapp.accounts.search import words_of
from labapp.runs import model_choices
from labapp.runs.choosing import READY, algorithm_texts, linked, taken
from labapp.runs.filling import refreshed
from labapp.runs.form_steps import STEPS, texts
from labapp.runs.guided import guided
from labapp.workshop import algorithm_page, algorithms, microscope_panel, uses, versioning
from labapp.workshop.algorithms import with_recipe
from labapp.workshop.models import Algorithm, AlgorithmVersion
from labapp.workshop.versioning import NotSaved
from workers import documents
from workers.contract.spec import SpecError

LISTED = 50
REFUSED = "Not saved. The checks say what to mend."
Data = dict[str, str]


@require_safe
@requires("see")
def index(request: HttpRequest) -> HttpResponse:
    """The team's algorithms with their newest version, and the recipes to start from."""
    newest = Prefetch("versions", AlgorithmVersion.objects.select_related("author").order_by("-number"))
    found = scoped(Algorithm.objects, request).prefetch_related(newest).order_by("-created")
    asked = words_of(request)
    page = Paginator(found.filter(name__icontains=asked), LISTED).get_page(request.GET.get("page"))
    catalogue = shelf.catalogue()
    spec = guided(catalogue)
    rows = [_row(one, list(one.versions.all())) for one in page]
    ready = [
        (one, algorithms.pipeline(with_recipe(spec, one.recipe), catalogue))
        for one in algorithms.ready(spec, catalogue)
    ]
    context = {"page": page, "rows": rows, "asked": asked, "any": bool(rows) or found.exists(), "ready": ready}
    return render(request, "workshop/algorithms.html", context)


def _row(one: Algorithm, versions: list[AlgorithmVersion]) -> dict[str, Any]:
    return {"algorithm": one, "newest": versions[0], "parts": _parts(versions[0].document)}


def _parts(document: Mapping[str, Any]) -> list[str]:
    """The titles of a saved recipe's parts; none for a document that this version of the lab cannot read."""
    catalogue = shelf.catalogue()
    try:
        return algorithms.pipeline(with_recipe(guided(catalogue), document), catalogue)
    except SpecError:
        return []


@require_http_methods(["GET", "POST"])
@requires("change")
def new(request: HttpRequest) -> HttpResponse:
    """A recipe to build: the guided run's, or with `?from=` that of `ready:<slug>` or `<id>@<version>`."""
    if request.method == "POST":
        return _answer(request, None, None)
    catalogue = shelf.catalogue()
    spec, name = guided(catalogue), request.GET.get("from")
    found = linked(request, name, catalogue) if name else None
    spec = spec if found is None else with_recipe(spec, found[0])
    return _page(request, None, None, algorithm_texts(spec, catalogue))


@require_http_methods(["GET", "POST"])
@requires("see")
def algorithm(request: HttpRequest, pk: int) -> HttpResponse:
    """A version (`?version=`, by default the newest); POST changes the form or saves the next version."""
    one = scoped_get(Algorithm.objects, request, pk=pk)
    shown = _version(one, request.GET.get("version", ""))
    if request.method == "POST":
        require(request, "change")
        return _answer(request, one, shown)
    catalogue = shelf.catalogue()
    spec, error = guided(catalogue), ""
    try:
        spec = with_recipe(spec, shown.document)
    except SpecError as trouble:
        error = f"This lab cannot read what version {shown.number} says ({trouble}); the guided run's parts are shown."
    return _page(request, one, shown, algorithm_texts(spec, catalogue), error)


def _version(one: Algorithm, asked: str) -> AlgorithmVersion:
    versions = one.versions.select_related("author").order_by("-number")
    found = versions.filter(number=int(asked)).first() if asked.isdecimal() and len(asked) < 9 else versions.first()
    if found is None:
        raise Http404
    return found


def _answer(request: HttpRequest, one: Algorithm | None, shown: AlgorithmVersion | None) -> HttpResponse:
    """What the form's button `do` asks: the panel, the form with a part more, less or exchanged, or a saved version."""
    data, do = texts(request.POST), request.POST.get("do", "save")
    if do == "check":
        draft = algorithm_page.read_form(data)
        return render(
            request, "workshop/algorithm_side.html", _address(request) | algorithm_page.side_context(data, draft)
        )
    if do == "algorithm":
        name = request.POST.get("use_algorithm", "")
        return _page(request, one, shown, taken(data, team_of(request), name, shelf.catalogue()) | {"algorithm": ""})
    if do in STEPS:
        return _page(request, one, shown, STEPS[do](data, request.POST))
    draft = algorithm_page.read_form(data)
    if algorithm_page.troubles(draft):
        return _page(request, one, shown, data, REFUSED)
    document, message = algorithm_page.document(draft), request.POST.get("message", "")
    try:
        if one is None:
            made = algorithms.create(team_of(request), person(request), data.get("name", ""), document, message)
        else:
            made = algorithms.save(one, person(request), document, message)
    except NotSaved as error:
        return _page(request, one, shown, data, str(error))
    messages.success(request, f"{made} is saved.")
    _warn_of_others(request, made)
    return redirect(reverse("workshop:algorithm", args=[made.algorithm_id]))


def _warn_of_others(request: HttpRequest, made: AlgorithmVersion) -> None:
    base = request.POST.get("base", "")
    if base.isdecimal() and int(base) != made.number - 1:
        words = f"It follows version {made.number - 1}, which was saved after the one you started from ({base})."
        messages.warning(request, f"{words} The history shows what differs.")


def _address(request: HttpRequest) -> dict[str, Any]:
    return {"address": request.get_full_path()}


def _page(
    request: HttpRequest, one: Algorithm | None, shown: AlgorithmVersion | None, data: Data, error: str = ""
) -> HttpResponse:
    """The whole page, or only the form and its panel for HTMX."""
    data = refreshed(data, shelf.catalogue(), {})
    context: dict[str, Any] = {
        "one": one, "shown": shown, "error": error, "message": request.POST.get("message", ""),
        "versions": [] if one is None else one.versions.select_related("author").order_by("-number"),
        "runs": [] if one is None else uses.runs_of_algorithm(one).filter(deleted=None)[:20],
    }  # fmt: skip
    context |= _address(request) | algorithm_page.form_context(data, team_of(request))
    start = request.POST.get("use_algorithm") or ("" if one else request.GET.get("from", ""))
    context["start"] = next((ready for ready in context["recipes"] if f"{READY}{ready.slug}" == start), None)
    context |= algorithm_page.side_context(data, algorithm_page.read_form(data))
    status = 422 if error else 200
    if "HX-Request" in request.headers:
        return render(request, "workshop/algorithm_form.html", context, status=status)
    context |= microscope_panel.panel(request) | {"model_runs": model_choices.choices(team_of(request))}
    return render(request, "workshop/algorithm.html", context, status=status)


@require_safe
@requires("see")
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """All versions of an algorithm, and what differs between two (`?from=&to=`, by default the newest two)."""
    one = scoped_get(Algorithm.objects, request, pk=pk)
    versions = list(one.versions.select_related("author").order_by("-number"))
    documents = {version.number: version.document for version in versions}
    context = versioning.history(documents, request.GET, as_text) | {
        "one": one, "versions": versions, "here": "algorithms", "place": reverse("workshop:algorithms"),
        "address": reverse("workshop:algorithm", args=[pk]),
    }  # fmt: skip
    return render(request, "workshop/history.html", context)


def as_text(document: Mapping[str, Any]) -> str:
    """A recipe as YAML in the order of its parts, without the digests of method files."""
    with suppress(SpecError):  # a recipe of another version is compared as it was stored
        document = algorithms.document_of(with_recipe(guided(shelf.catalogue()), document))
    return documents.yaml_of(algorithms.without_digests(document))


@require_POST
@requires("change")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an algorithm with all its versions, unless a run uses one of them."""
    one = scoped_get(Algorithm.objects, request, pk=pk)
    refusal = uses.refusal(one.name, uses.runs_of_algorithm(one))
    if refusal:
        messages.error(request, refusal)
        return redirect(reverse("workshop:algorithm", args=[pk]))
    one.delete()
    messages.success(request, f"{one.name} is deleted.")
    return redirect(reverse("workshop:algorithms"))
