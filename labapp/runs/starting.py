"""What a fresh new-run page shows, by its address: the guided run, a clone, one method, data set or reward to try."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest

from labapp import shelf
from labapp.accounts.access import scoped, scoped_get
from labapp.accounts.models import Team
from labapp.runs import needs, prechecks
from labapp.runs.choosing import linked
from labapp.runs.exhibits import PREFIX
from labapp.runs.filling import fill
from labapp.runs.form_data import PARTS, PREFERENCES, Data, with_row
from labapp.runs.guided import EXPERIMENT, guided
from labapp.runs.mending import mended
from labapp.runs.models import Experiment, Run
from labapp.runs.run_names import name_of
from labapp.runs.stock_facts import stock_facts
from labapp.workshop.algorithms import with_recipe
from labapp.workshop.models import DataSet
from labapp.workshop.references import TREE, label_of
from labapp.workshop.saved import version_of
from workers.contract.catalogue import Catalogue
from workers.contract.method import Method
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.rewardtree import parts_of
from workers.contract.spec import Pick, Pool, Prompts, RewardPick, RunSpec, from_dict

ONE_PICK = {kind: part for part, kind in PARTS}
SEVERAL = ("selection", "shaping", "regularisers")


def starting_data(request: HttpRequest, team: Team) -> dict[str, str]:
    """The form data that a fresh page starts with, from the address."""
    catalogue = shelf.catalogue()
    begun = request.GET.get("begin", "")
    cloned = begun or request.GET.get("clone", "")
    if cloned:
        run = scoped_get(Run.objects, request, id=run_number(cloned), kind=Run.TRAIN, deleted=None)
        spec = replace(from_dict(run.spec), name=f"{run.name} again"[:120])
        spec = replace(spec, model=replace(spec.model, name=name_of(run), revision="")) if begun else spec
        return fill(spec, catalogue, run.experiment.name) | {"parent": str(run.id)}
    spec = guided(catalogue)
    if request.GET.get("guided"):
        return fill(spec, catalogue, EXPERIMENT) | {"guided": "1"}
    method = catalogue.methods.get(request.GET.get("try", ""))
    if method is not None:
        spec = with_method(spec, method, catalogue)
    own = scoped(Experiment.objects, request).exclude(name__startswith=PREFIX)  # an exhibit's holds only its own runs
    newest = own.order_by("-created").first()
    name = f"try-{method.name}" if method is not None else "run"
    found = linked(request, request.GET["algorithm"], catalogue) if request.GET.get("algorithm") else None
    if found is not None:
        spec = with_recipe(spec, *found)
    if "dataset" in request.GET:
        spec = with_data(spec, team, request.GET["dataset"], catalogue)
    if "reward" in request.GET:
        spec = replace(spec, rewards=())  # who tries a reward wants to see what that one teaches
    data = fill(replace(spec, name=name), catalogue, "Experiments" if newest is None else newest.name)
    return with_reward(data, team, request.GET["reward"]) if "reward" in request.GET else data


def with_reward(data: Data, team: Team, name: str) -> dict[str, str]:
    """The form data with a saved reward of the team, under its own name."""
    found = version_of(team, name)
    return with_row(data, "rewards", name, label_of(name) if found is None else found.reward.name[:60])


def with_data(spec: RunSpec, team: Team, address: str, catalogue: Catalogue) -> RunSpec:
    """The run on an uploaded set. Stored completions come with a loss that learns from them, DPO from pairs, CoPG from
    several completions of a prompt, KTO from single ones, and without rewards that would read columns they lack."""
    spec, version = replace(spec, prompts=Prompts(dataset=address)), prechecks.data_version(team, address)
    if version is None or version.dataset.kind not in DataSet.STORED:
        return spec
    there = prechecks.column_names(version)
    rewards = tuple(one for one in spec.rewards if needs.columns(one, catalogue) <= there)
    stored = replace(spec, rewards=rewards, pool=Pool(prompts=0), credit=None, regularisers=())
    if spec.pool is not None and spec.objective.kind == PREFERENCES:
        return stored
    facts = stock_facts(version)
    name = "objectives/copg" if facts is not None and facts.groups else "preferences/kto"
    method = catalogue.methods["preferences/dpo" if version.dataset.kind == DataSet.PAIRS else name]
    return replace(stored, objective=Pick(method.kind, method.name, {}, method.digest))


def with_method(spec: RunSpec, method: Method, catalogue: Catalogue) -> RunSpec:
    """The run with `method` in its place: instead of the one of its kind, or beside those where several may stand; and
    with what must come with it, such as a critic or a stock of completions."""
    pick = Pick(method.kind, method.name, {}, method.digest)
    if method.kind == "tasks":
        return replace(spec, prompts=replace(spec.prompts, task=pick))
    if method.kind == "rewards":
        others = tuple(one for one in spec.rewards if one.name != method.name)
        return replace(spec, rewards=(*others, RewardPick(method.name, method.name, digest=method.digest)))
    if method.kind == INNER:
        return replace(spec, rewards=(combined(spec.rewards, method),))
    if method.kind in SEVERAL:
        kept = tuple(one for one in getattr(spec, method.kind) if one.name != method.name)
        made: dict[str, Any] = {method.kind: (*kept, pick)}
    elif method.kind == PREFERENCES:
        made = {"objective": pick, "credit": None, "regularisers": ()}
    else:
        made = {ONE_PICK[method.kind]: pick}
    return mended(replace(spec, **made), catalogue)


def combined(rewards: Sequence[RewardPick], method: Method) -> RewardPick:
    """The rewards as parts of one: as many as the combination takes, some twice where it needs more than there are."""
    least, most = parts_of(method.card.compose)
    count = max(least, len(rewards) if most is None else min(len(rewards), most))
    leaves = [one.tree or Node(LEAF, one.name, one.params, one.digest, one.source, one.label) for one in rewards]
    tree = Node(INNER, method.name, digest=method.digest, of=tuple(islice(cycle(leaves), count)))
    return RewardPick(method.name, f"{TREE}{method.name}", tree=tree)


def run_number(text: str) -> UUID:
    """404 for what is no run's number, as for a run of another team."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
