"""Rewards as Python and from parts: the list, the editors, versions that never change, and their history."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from labapp import shelf
from labapp.accounts.access import person, require, requires, scoped, scoped_get, team_of
from labapp.accounts.search import words_of
from labapp.workshop import dryrun_form, replay_choices, rewards, tree_views, treedocs, treeform, uses, versioning
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.saved import words_of as named
from labapp.workshop.treeform import Draft
from labapp.workshop.versioning import NotSaved
from workers import documents
from workers.contract.rewardnode import LEAF, Node
from workers.contract.spec import SpecError

LISTED = 50


@require_safe
@requires("see")
def index(request: HttpRequest) -> HttpResponse:
    """The team's rewards with their newest version."""
    newest = Prefetch("versions", RewardVersion.objects.select_related("author").order_by("-number"))
    found = scoped(Reward.objects, request).prefetch_related(newest).order_by("-created")
    asked = words_of(request)
    page = Paginator(found.filter(name__icontains=asked), LISTED).get_page(request.GET.get("page"))
    rows = [{"reward": one, "versions": list(one.versions.all())} for one in page]
    context = {"page": page, "rows": rows, "asked": asked, "any": bool(rows) or found.exists()}
    return render(request, "workshop/index.html", context)


@require_http_methods(["GET", "POST"])
@requires("change")
def new(request: HttpRequest) -> HttpResponse:
    """The editor with the starting text; POST saves a new reward as its version 1."""
    return _editor(request, None, None, rewards.START) if request.method == "GET" else _created(request)


@require_http_methods(["GET", "POST"])
@requires("change")
def new_tree(request: HttpRequest) -> HttpResponse:
    """The editor of parts, without any; POST saves a new reward as its version 1."""
    return tree_views.editor(request, None, None, Draft(None)) if request.method == "GET" else _created(request)


def _created(request: HttpRequest) -> HttpResponse:
    what, name, message = _what(request), request.POST.get("name", ""), request.POST.get("message", "")
    try:
        made = rewards.create(team_of(request), person(request), name, _some(what), message)
    except NotSaved as error:
        return _again(request, None, None, what, str(error))
    messages.success(request, f"{named(made)} is saved.")
    return redirect(reverse("workshop:reward", args=[made.reward_id]))


@require_http_methods(["GET", "POST"])
@requires("see")
def reward(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor with a version (`?version=`, by default the newest); POST saves the next version."""
    one = scoped_get(Reward.objects, request, pk=pk)
    shown = _version(one, request.GET.get("version", ""))
    if request.method == "GET":
        return _shown(request, one, shown)
    require(request, "change")
    what = _what(request)
    try:
        made = rewards.save(one, person(request), _some(what), request.POST.get("message", ""))
    except NotSaved as error:
        return _again(request, one, shown, what, str(error))
    messages.success(request, f"{named(made)} is saved.")
    base = request.POST.get("base", "")
    if base.isdecimal() and int(base) != made.number - 1:
        words = f"It follows version {made.number - 1}, which was saved after the one you started from ({base})."
        messages.warning(request, f"{words} The history shows what differs.")
    return redirect(reverse("workshop:reward", args=[pk]))


def _shown(request: HttpRequest, one: Reward, shown: RewardVersion) -> HttpResponse:
    """A version in the editor of its sort; `?as=parts` begins parts with a function as their first, `?as=python` a
    function."""
    sort = request.GET.get("as", "")
    if shown.tree is None and sort != "parts":
        return _editor(request, one, shown, shown.source)
    if sort == "python" and shown.tree is not None:
        newest = one.versions.filter(tree__isnull=True).order_by("-number").first()
        return _editor(request, one, shown, rewards.START if newest is None else newest.source)
    tree: Node | None = Node(LEAF, shown.reference, label=one.name[: treeform.LONGEST_LABEL])
    error = ""
    if shown.tree is not None:
        try:
            tree = treedocs.bare(treedocs.read(shown.tree))
        except SpecError as trouble:
            tree, error = None, f"This lab cannot read the parts of version {shown.number}: {trouble}"
    return tree_views.editor(request, one, shown, Draft(tree, tree), error)


def _what(request: HttpRequest) -> str | Draft:
    """What a form wants to be saved: a text, or the draft of a tree."""
    if "tree" not in request.POST:
        return _source(request)
    try:
        return treeform.read(request.POST.dict(), shelf.catalogue())
    except SpecError as error:
        raise SuspiciousOperation(str(error)) from None


def _some(what: str | Draft) -> str | Node:
    """NotSaved for a tree without any part."""
    some = what if isinstance(what, str) else what.tree
    if some is None:
        raise NotSaved("Not saved. There is no part yet: add one.")
    return some


def _again(
    request: HttpRequest, one: Reward | None, shown: RewardVersion | None, what: str | Draft, error: str
) -> HttpResponse:
    if isinstance(what, str):
        return _editor(request, one, shown, what, error)
    return tree_views.editor(request, one, shown, what, error)


def _source(request: HttpRequest) -> str:
    return request.POST.get("source", "").replace("\r\n", "\n")


def _version(one: Reward, asked: str) -> RewardVersion:
    versions = one.versions.select_related("author").order_by("-number")
    found = versions.filter(number=int(asked)).first() if asked.isdecimal() and len(asked) < 9 else versions.first()
    if found is None:
        raise Http404
    return found


def _editor(
    request: HttpRequest, one: Reward | None, shown: RewardVersion | None, source: str, error: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "reward": one, "shown": shown, "source": source, "error": error,
        "name": request.POST.get("name", ""), "message": request.POST.get("message", ""),
        "versions": [] if one is None else one.versions.select_related("author").order_by("-number"),
        "reference": "" if shown is None else shown.reference,
        "runs": [] if one is None else uses.runs_of_reward(one).filter(deleted=None)[:20],
        "dry": dryrun_form.panel(request, one, "#source"),
        "replayable": [] if one is None else replay_choices.ended(team_of(request)),
    }  # fmt: skip
    return render(request, "workshop/reward.html", context, status=422 if error else 200)


@require_safe
@requires("see")
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """All versions of a reward, and what differs between two of them (`?from=&to=`, by default the newest two)."""
    one = scoped_get(Reward.objects, request, pk=pk)
    versions = list(one.versions.select_related("author").order_by("-number"))
    saved = {version.number: version for version in versions}
    context = versioning.history(saved, request.GET, _written) | {
        "one": one, "versions": versions, "address": reverse("workshop:reward", args=[pk]),
    }  # fmt: skip
    return render(request, "workshop/history.html", context)


def _written(version: RewardVersion) -> str:
    """A version as the text that versions are compared by."""
    if version.tree is None:
        return version.source
    try:
        return documents.yaml_of(treedocs.document(treedocs.bare(treedocs.read(version.tree))))
    except SpecError:
        return documents.yaml_of(version.tree)


@require_POST
@requires("change")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a reward with all its versions, unless a run uses it."""
    one = scoped_get(Reward.objects, request, pk=pk)
    refusal = uses.refusal(one.name, uses.runs_of_reward(one), uses.trees_of_reward(one))
    if refusal:
        messages.error(request, refusal)
        return redirect(reverse("workshop:reward", args=[pk]))
    one.delete()
    messages.success(request, f"{one.name} is deleted.")
    return redirect(reverse("workshop:index"))
