"""The analysis page's form: recorded completions, rewards, credit methods and a tokenizer as flat fields, and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labapp.accounts.models import Team
from labapp.runs import knobs, modelfiles, needs, prechecks
from labapp.runs.digests import tree_with_digests
from labapp.runs.form_data import renumbered, rows, with_row
from labapp.runs.model_checks import run_troubles
from labapp.workshop.forms import ParamsForm, differing, method_form
from labapp.workshop.models import DataSet, DataVersion
from labapp.workshop.references import CODE, SAVED, TREE
from labapp.workshop.saved import saved_tree
from workers.contract import analysis
from workers.contract.analysis import WORDS, AnalysisSpec, credit_methods
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.method import Method
from workers.contract.modelnames import is_of_run
from workers.contract.spec import Pick, RewardPick

Data = Mapping[str, str]
EXPERIMENT = "Analyses"
FIRST_REWARD, FIRST_CREDITS = ("numeric_answer", "numeric"), ("grpo", "tempo")
OWN = "own"  # the choice of a tokenizer that the person names


@dataclass(frozen=True)
class Draft:
    """What the form says: a spec, its experiment, and the fields whose text is no value."""

    spec: AnalysisSpec
    experiment: str
    wrong: list[Trouble] = field(default_factory=list)


def starting_data(catalogue: Catalogue, dataset: str, name: str) -> dict[str, str]:
    """A fresh form: numbers compared with the answers, credit by GRPO and TEMPO, text cut by words."""
    data = {"name": name, "experiment": EXPERIMENT, "dataset": dataset, "tokenizer": WORDS}
    method, label = FIRST_REWARD
    if catalogue.methods.get(f"rewards/{method}") is not None:
        data = with_row(data, "rewards", method, label)
    return data | {f"credit.{one}": "on" for one in FIRST_CREDITS if f"credit/{one}" in catalogue.methods}


def parse(posted: Data, catalogue: Catalogue, codes: Mapping[str, str]) -> Draft:
    """The analysis that the form's texts describe. `codes` maps names of the team's saved rewards to their texts."""
    data, wrong = renumbered(posted), list[Trouble]()
    spec = AnalysisSpec(
        name=data.get("name", "").strip()[:120] or "analysis",
        rewards=tuple(_reward(f"rewards.{row}", data, catalogue, codes, wrong) for row in rows(data, "rewards")),
        credits=tuple(_credit(method, data, wrong) for method in credit_methods(catalogue) if _chosen(method, data)),
        dataset=data.get("dataset", ""),
        tokenizer=data.get("own_tokenizer", "").strip() if data.get("tokenizer") == OWN else data.get("tokenizer", ""),
    )
    return Draft(spec, data.get("experiment", "").strip() or EXPERIMENT, wrong)


def _chosen(method: Method, data: Data) -> bool:
    return bool(data.get(f"credit.{method.name}"))


def _credit(method: Method, data: Data, wrong: list[Trouble]) -> Pick:
    values, errors = values_of(method, f"credit.{method.name}", data)
    wrong.extend(Trouble(path, what) for path, what in errors.items())
    return Pick("credit", method.name, differing(method, values), method.digest)


def bound_form(method: Method, prefix: str, data: Data) -> ParamsForm:
    """The parameters of a pick as fields: as sent, or at their defaults where another method's were sent."""
    return method_form(method, f"{prefix}.params", data if _was_shown(method, prefix, data) else None)


def values_of(method: Method, prefix: str, data: Data) -> tuple[dict[str, Any], dict[str, str]]:
    """A pick's values, and what is wrong with its texts by field."""
    return bound_form(method, prefix, data).values() if _was_shown(method, prefix, data) else (method.defaults(), {})


def _was_shown(method: Method, prefix: str, data: Data) -> bool:
    """Whether the form that was sent showed this method's parameters: only then does an absent box mean no."""
    return data.get(f"{prefix}.shown") == method.name


def _reward(
    prefix: str, data: Data, catalogue: Catalogue, codes: Mapping[str, str], wrong: list[Trouble]
) -> RewardPick:
    said, errors = ParamsForm(knobs.REWARD + knobs.FAILURE, prefix, data).values()
    wrong.extend(Trouble(path, what) for path, what in errors.items())
    name = data.get(f"{prefix}.name", "")
    pick = RewardPick(
        str(said["label"] or ""),
        name,
        weight=said["weight"] if isinstance(said["weight"], float) else 1.0,
        on_failure=str(said["on_failure"]),
    )
    if name.startswith(CODE):
        return replace(pick, source=codes.get(name, ""))
    if name.startswith(TREE):
        tree = saved_tree(codes.get(name, ""))
        return replace(pick, tree=None if tree is None else tree_with_digests(tree, catalogue))
    method = catalogue.methods.get(f"rewards/{name}")
    if method is None:
        return pick
    values, errors = values_of(method, prefix, data)
    wrong.extend(Trouble(path, what) for path, what in errors.items())
    return replace(pick, params=differing(method, values), digest=method.digest)


def versions(team: Team) -> list[DataVersion]:
    """The team's recorded completions with confirmed columns, newest first."""
    found = DataVersion.objects.filter(dataset__team=team, dataset__kind=DataSet.COMPLETIONS).exclude(file="")
    return list(found.select_related("dataset").order_by("-created")[:500])


def version_of(team: Team, reference: str) -> DataVersion | None:
    """The team's recorded completions that `<id>@<version>` names."""
    return next((one for one in versions(team) if one.reference == reference), None)


def troubles(draft: Draft, catalogue: Catalogue, team: Team) -> list[Trouble]:
    """Everything that is wrong with an analysis; an empty list means that it can be queued."""
    return prechecks.first_of_each([*draft.wrong, *_troubles(draft.spec, catalogue, team)])


def _troubles(spec: AnalysisSpec, catalogue: Catalogue, team: Team) -> Iterator[Trouble]:
    version = version_of(team, spec.dataset)
    yield from prechecks.null_troubles(analysis.to_dict(spec))
    if version is None:
        yield Trouble("dataset", "choose recorded completions, or upload some under Data")
    if not spec.credits:
        yield Trouble("credit", "choose at least one credit method, so that there is something to see on the tokens")
    yield from run_troubles(spec, team.pk)
    yield from _tokenizer(spec.tokenizer)
    for index, reward in enumerate(spec.rewards):
        if reward.name.startswith(SAVED) and not reward.source and reward.tree is None:
            yield Trouble(f"rewards.{index}.name", f"there is no saved text of {reward.name} in this team")
    yield from (one for one in analysis.troubles(spec, catalogue) if one.path != "path")
    if version is not None:
        yield from _columns(spec, catalogue, version)


def _columns(spec: AnalysisSpec, catalogue: Catalogue, version: DataVersion) -> Iterator[Trouble]:
    there = prechecks.column_names(version)
    known = ", ".join(sorted(there)) or "none"
    for index, reward in enumerate(spec.rewards):
        for name in sorted(needs.columns(reward, catalogue) - there):
            what = f"{reward.label!r} reads the column {name!r}, which {version} does not have; it has: {known}"
            yield Trouble(f"rewards.{index}.name", what)
        if needs.wants_verdict(reward, catalogue):
            what = f"{reward.label!r} asks a task's own verifier, and recorded completions have none"
            yield Trouble(f"rewards.{index}.name", what)


def _tokenizer(name: str) -> Iterator[Trouble]:
    directory = None if name == WORDS else modelfiles.place(name)
    if not name:
        yield Trouble("tokenizer", "name a tokenizer: its id on the hub or its directory")
    elif name != WORDS and not is_of_run(name) and directory is None and not modelfiles.HUB_ID.match(name):
        yield Trouble("tokenizer", f"{name!r} is no id on the hub; they look like Qwen/Qwen2.5-0.5B")
    elif directory is not None and not directory.is_dir():
        yield Trouble("tokenizer", f"there is no directory {name} on this machine")
