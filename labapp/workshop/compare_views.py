"""Two saved rewards compared on the same completions: what each says of them, and where they differ most."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import requires, scoped_get, team_of
from labapp.workshop import judging, samples
from labapp.workshop.judging import Judged
from labapp.workshop.models import Reward
from labapp.workshop.samples import NoSamples
from labapp.workshop.saved import node_of, saved_rewards, version_of, words_of
from labapp.workshop.treevalues import differences

COUNTS = samples.COUNTS


@require_safe
@requires("change")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """What is to be compared: two versions (`?a=&b=`, by default the newest two of this reward) and the samples."""
    team, one = team_of(request), scoped_get(Reward.objects, request, pk=pk)
    saved = saved_rewards(team)
    own = [name for name, version in saved.items() if version.reward_id == one.pk]
    chosen = {"a": request.GET.get("a", own[min(1, len(own) - 1)]), "b": request.GET.get("b", own[0])}
    groups = [
        (one.name, [(name, words_of(saved[name])) for name in own]),
        ("Other rewards", [(name, words_of(version)) for name, version in saved.items() if name not in own]),
    ]
    context: dict[str, Any] = {
        "reward": one, "chosen": chosen, "groups": [group for group in groups if group[1]], "counts": COUNTS,
        "datasets": samples.versions(team), "sample_runs": samples.runs(team),
    }  # fmt: skip
    return render(request, "workshop/reward_compare.html", context)


@require_POST
@requires("change")
def start(request: HttpRequest) -> HttpResponse:
    """Ask both on the samples that the form names; the answer asks for the result by itself."""
    team = team_of(request)
    versions = [version_of(team, request.POST.get(name, "")) for name in ("a", "b")]
    documents = [node_of(one) for one in versions if one is not None]
    if len(documents) < len(versions):
        return _answer(request, Judged("failed", reason="Choose two saved versions."))
    try:
        found = samples.gather(team, request.POST)
    except NoSamples as error:
        return _answer(request, Judged("failed", reason=str(error)))
    names = [words_of(one) for one in versions if one is not None]
    return _answer(request, judging.start(team, documents, found, samples.stored(team, request.POST), names=names))


@require_safe
@requires("change")
def look(request: HttpRequest, task: UUID) -> HttpResponse:
    """The comparison that was asked for, or that it is still waited for."""
    found = judging.look(team_of(request), task)
    if found is None:
        raise Http404
    return _answer(request, found)


def _answer(request: HttpRequest, found: Judged) -> HttpResponse:
    told = differences(found) if found.state == "ready" else {}
    return render(request, "workshop/compare_answer.html", {"found": found, "told": told})
