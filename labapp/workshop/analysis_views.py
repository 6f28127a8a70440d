"""The analysis page: recorded completions are scored and credited without training, as a run of their own."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labapp import shelf
from labapp.accounts.access import person, requires, scoped_get, team_of
from labapp.accounts.models import Team
from labapp.runs import knobs, launch, model_choices
from labapp.runs.form_data import renumbered, row_of, rows, with_row
from labapp.runs.models import Run
from labapp.runs.starting import run_number
from labapp.workshop import analysis_form
from labapp.workshop.analysis_again import filled
from labapp.workshop.forms import ParamsForm
from labapp.workshop.references import label_of
from labapp.workshop.saved import saved_rewards, texts_of, words_of
from workers.contract import analysis
from workers.contract.catalogue import Catalogue
from workers.contract.method import Method


@require_http_methods(["GET", "POST"])
@requires("change")
def new(request: HttpRequest) -> HttpResponse:
    """The form; `?dataset=<id>@<version>` chooses the completions, `?again=<run>` shows an analysis that was made. POST
    `do` is launch, look, or remove."""
    team, catalogue = team_of(request), shelf.catalogue()
    if request.method == "GET":
        return _page(request, team, catalogue, _start(request, team, catalogue))
    data = {name: str(text) for name, text in request.POST.items() if name not in ("csrfmiddlewaretoken", "do")}
    if request.POST.get("do") == "launch":
        return _launch(request, team, catalogue, data)
    added, gone = data.pop("add_reward", ""), row_of(data.pop("what", ""))
    if gone is not None:
        data = renumbered(data, ("rewards", gone))
    if added:
        data = with_row(data, "rewards", added, label_of(added))
    return _page(request, team, catalogue, renumbered(data))


def _start(request: HttpRequest, team: Team, catalogue: Catalogue) -> dict[str, str]:
    if "again" in request.GET:
        analyses = Run.objects.filter(kind=Run.ANALYSIS, deleted=None).select_related("experiment")
        made = scoped_get(analyses, request, pk=run_number(request.GET["again"]))
        return filled(analysis.from_dict(made.spec), made.experiment.name, catalogue)
    asked = request.GET.get("dataset", "")
    found = analysis_form.versions(team)
    version = next((one for one in found if one.reference == asked), found[0] if found else None)
    if version is None:
        return analysis_form.starting_data(catalogue, "", "analysis")
    name = f"{version.dataset.name} analysis"[:120]
    data = analysis_form.starting_data(catalogue, version.reference, name)
    reward = request.GET.get("reward", "")
    return with_row(data, "rewards", reward, label_of(reward)) if label_of(reward) else data


def _launch(request: HttpRequest, team: Team, catalogue: Catalogue, data: dict[str, str]) -> HttpResponse:
    draft = analysis_form.parse(data, catalogue, texts_of(saved_rewards(team)))
    if analysis_form.troubles(draft, catalogue, team) or shelf.worker_differs() is not None:
        return _page(request, team, catalogue, renumbered(data), status=422)
    run = launch.create(team, person(request), analysis.to_dict(draft.spec), draft.experiment, kind=Run.ANALYSIS)
    launch.enqueue(run)
    return redirect(reverse("runs:detail", args=[run.id]))


def _page(
    request: HttpRequest, team: Team, catalogue: Catalogue, data: dict[str, str], status: int = 200
) -> HttpResponse:
    saved = saved_rewards(team)
    draft = analysis_form.parse(data, catalogue, texts_of(saved))
    found = analysis_form.troubles(draft, catalogue, team)
    context: dict[str, Any] = {
        "data": data, "versions": analysis_form.versions(team), "chosen": draft.spec.dataset,
        "version": analysis_form.version_of(team, draft.spec.dataset),
        "rewards": [_reward(row, data, catalogue) for row in rows(data, "rewards")],
        "credits": [_credit(method, data) for method in analysis.credit_methods(catalogue)],
        "reward_methods": catalogue.of("rewards"), "refused": status != 200,
        "codes": [(name, words_of(one)) for name, one in saved.items() if one.tree is None],
        "trees": [(name, words_of(one)) for name, one in saved.items() if one.tree is not None],
        "tokenizer": data.get("tokenizer", ""), "own_tokenizer": data.get("own_tokenizer", ""),
        "name": data.get("name", ""), "experiment": data.get("experiment", ""), "troubles": found,
        "worker_differs": shelf.worker_differs(), "first": next(iter(draft.spec.credits), None),
        "model_runs": model_choices.choices(team),
    }  # fmt: skip
    template = "data/analyse_form.html" if "HX-Request" in request.headers else "data/analyse.html"
    return render(request, template, context, status=status)


def _reward(row: int, data: dict[str, str], catalogue: Catalogue) -> dict[str, Any]:
    prefix = f"rewards.{row}"
    name = data.get(f"{prefix}.name", "")
    method = catalogue.methods.get(f"rewards/{name}")
    return {
        "row": row, "prefix": prefix, "name": name, "method": method,
        "named": ParamsForm(knobs.REWARD, prefix, data).rows(),
        "failing": ParamsForm(knobs.FAILURE, prefix, data).rows(),
        "rows": analysis_form.bound_form(method, prefix, data).rows() if method is not None else [],
    }  # fmt: skip


def _credit(method: Method, data: dict[str, str]) -> dict[str, Any]:
    prefix = f"credit.{method.name}"
    return {
        "method": method, "chosen": bool(data.get(prefix)),
        "rows": analysis_form.bound_form(method, prefix, data).rows(),
    }  # fmt: skip
