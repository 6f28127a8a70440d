"""The page where a reward is put together from parts: each step of the editing, and the parts' values on samples."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from labapp import shelf
from labapp.accounts.access import requires, team_of
from labapp.accounts.models import Team
from labapp.runs import model_choices
from labapp.workshop import dryrun_form, judging, replay_choices, samples, treedocs, treeform, treepage, uses
from labapp.workshop.judging import Judged
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.samples import NoSamples
from labapp.workshop.saved import functions, saved_rewards
from labapp.workshop.treeform import Draft
from labapp.workshop.treevalues import by_part, sound_parts
from workers.contract.rewardnode import Node
from workers.contract.spec import SpecError

COUNTS = samples.COUNTS[:2]  # as many as one steps through


def editor(
    request: HttpRequest, one: Reward | None, shown: RewardVersion | None, draft: Draft, error: str = ""
) -> HttpResponse:
    """The whole page with a draft of the tree; `shown` is the version that it began with."""
    team, catalogue = team_of(request), shelf.catalogue()
    saved = functions(saved_rewards(team))
    context: dict[str, Any] = treepage.tree_context(draft, saved, catalogue) | {
        "reward": one, "shown": shown, "error": error, "choices": treepage.choices(catalogue, saved),
        "name": request.POST.get("name", ""), "message": request.POST.get("message", ""),
        "versions": [] if one is None else one.versions.select_related("author").order_by("-number"),
        "reference": "" if shown is None else shown.reference,
        "address": reverse("workshop:new_tree") if one is None else reverse("workshop:reward", args=[one.pk]),
        "runs": [] if one is None else uses.runs_of_reward(one).filter(deleted=None)[:20],
        "trees": [] if one is None else uses.trees_of_reward(one)[:20],
        "datasets": samples.versions(team), "sample_runs": samples.runs(team), "counts": COUNTS,
        "replayable": [] if one is None else replay_choices.ended(team),
        "dry": dryrun_form.panel(request, one, "#tree"), "model_runs": model_choices.choices(team),
    }  # fmt: skip
    return render(request, "workshop/reward_parts.html", context, status=422 if error else 200)


@require_POST
@requires("change")
def step(request: HttpRequest) -> HttpResponse:
    """The tree after what `do` says, with its panel; while someone types (`do` is check) the panel alone."""
    catalogue = shelf.catalogue()
    saved = functions(saved_rewards(team_of(request)))
    do, data = request.POST.get("do", "check"), request.POST.dict()
    try:
        draft = treeform.read(data, catalogue)
    except SpecError as error:
        return HttpResponseBadRequest(str(error))
    if do == "check":
        return render(request, "workshop/tree_panel.html", treepage.panel_context(draft, saved, catalogue))
    names = {name: one.reward.name[: treeform.LONGEST_LABEL] for name, one in saved.items()}
    context = treepage.tree_context(treeform.stepped(draft, do, data, names), saved, catalogue)
    return render(request, "workshop/tree.html", context | {"again": True})


@require_POST
@requires("change")
def values(request: HttpRequest) -> HttpResponse:
    """Ask what the parts are worth on the samples that the form names; the answer asks for the result by itself."""
    team = team_of(request)
    try:
        draft = treeform.read(request.POST.dict(), shelf.catalogue())
        found = samples.gather(team, request.POST)
    except (SpecError, NoSamples) as error:
        return _answer(request, Judged("failed", reason=str(error)))
    places = {} if draft.tree is None else _sound(team, draft.tree)
    if not places:
        return _answer(request, Judged("failed", reason="No part can be scored yet: the checks say what is missing."))
    documents, stored = [treedocs.document(one) for one in places.values()], samples.stored(team, request.POST)
    return _answer(request, judging.start(team, documents, found, stored, places=list(places)))


def _sound(team: Team, tree: Node) -> dict[str, Node]:
    codes = {name: one.source for name, one in functions(saved_rewards(team)).items()}
    return sound_parts(treedocs.filled(tree, codes), shelf.catalogue())


@require_safe
@requires("change")
def look(request: HttpRequest, task: UUID) -> HttpResponse:
    """The values that were asked for, or that they are still waited for."""
    found = judging.look(team_of(request), task)
    if found is None:
        raise Http404
    return _answer(request, found)


def _answer(request: HttpRequest, found: Judged) -> HttpResponse:
    told = by_part(found) if found.state == "ready" else {}
    return render(request, "workshop/tree_values.html", {"found": found, "told": told})
