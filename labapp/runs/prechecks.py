"""What is wrong with a run, as far as the web can see it without torch: said in the form, before anything is queued."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labapp.accounts.models import Team
from labapp.runs import needs
from labapp.runs.model_checks import length_troubles, model_troubles
from labapp.runs.stock_checks import stock_troubles
from labapp.workshop import algorithms
from labapp.workshop.models import DataVersion, RewardVersion
from labapp.workshop.references import CODE, read_reference
from workers.contract import checking
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.spec import RunSpec, to_dict


def saved_codes(team: Team) -> dict[str, RewardVersion]:
    """The team's code rewards by `code:<id>@<version>`, newest version first within a reward."""
    saved = RewardVersion.objects.filter(reward__team=team).select_related("reward").order_by("reward__name", "-number")
    return {one.reference: one for one in saved}


def codes(team: Team) -> dict[str, str]:
    """The texts of the team's code rewards by `code:<id>@<version>`."""
    return texts_of(saved_codes(team))


def texts_of(saved: Mapping[str, RewardVersion]) -> dict[str, str]:
    """The text of each version."""
    return {reference: one.source for reference, one in saved.items()}


def data_version(team: Team, reference: str) -> DataVersion | None:
    """The team's data set with confirmed columns that `<id>@<version>` names; None when there is none (also for
    another team's)."""
    named = read_reference(reference)
    if named is None:
        return None
    found = DataVersion.objects.filter(dataset__team=team).select_related("dataset")
    return found.exclude(file="").filter(dataset_id=named[0], number=named[1]).first()


def troubles(spec: RunSpec, catalogue: Catalogue, team: Team, saved: Mapping[str, str] | None = None) -> list[Trouble]:
    """Everything that is wrong with `spec` for this team; an empty list means that it can be queued."""
    known = codes(team) if saved is None else saved
    version = data_version(team, spec.prompts.dataset) if spec.prompts.dataset else None
    found = [
        *null_troubles(to_dict(spec)),
        *model_troubles(spec),
        *_code(spec, known),
        *checking.troubles(spec, catalogue),
        *_algorithm(spec, team),
        *_prompts(spec, version),
        *(() if version is None else stock_troubles(spec, catalogue, version)),
        *_columns(spec, catalogue, version),
        *length_troubles(spec, version),
    ]
    return first_of_each(found)


def null_troubles(value: Any, path: str = "") -> Iterator[Trouble]:
    """The texts of a document that hold a null character, which the database refuses."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from null_troubles(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from null_troubles(item, f"{path}.{index}")
    elif isinstance(value, str) and "\0" in value:
        yield Trouble(path, "it holds a null character, which no text has")


def _algorithm(spec: RunSpec, team: Team) -> Iterator[Trouble]:
    if spec.algorithm and algorithms.version(team, spec.algorithm) is None:
        yield Trouble("algorithm", f"this team has no saved algorithm {spec.algorithm!r}", {"algorithm": ""})


def first_of_each(found: Iterable[Trouble]) -> list[Trouble]:
    """One trouble a field: the first said is the nearest to its cause."""
    kept: dict[str, Trouble] = {}
    for trouble in found:
        kept.setdefault(trouble.path, trouble)
    return list(kept.values())


def _prompts(spec: RunSpec, version: DataVersion | None) -> Iterator[Trouble]:
    if spec.prompts.path:
        what = f"the file {spec.prompts.path} is for the command line; here, upload it under Data and choose the set"
        yield Trouble("prompts.path", what)
    if spec.prompts.dataset and version is None:
        yield Trouble("prompts.dataset", f"this team has no data set {spec.prompts.dataset!r} with confirmed columns")
    if version is not None and version.rows == 0:
        yield Trouble("prompts.dataset", f"{version} has no usable row")


def _code(spec: RunSpec, saved: Mapping[str, str]) -> Iterator[Trouble]:
    for index, reward in enumerate(spec.rewards):
        if reward.name.startswith(CODE) and not reward.source:
            what = f"there is no saved text of {reward.name} in this team; choose a version that exists"
            yield Trouble(f"rewards.{index}.name", what)
        elif reward.name in saved and saved[reward.name] != reward.source:
            what = f"this is not the text that {reward.name} has; a saved version never changes"
            yield Trouble(f"rewards.{index}.source", what, {f"rewards.{index}.source": saved[reward.name]})
        elif reward.source:
            problem = _syntax(reward.source)
            if problem is not None:
                yield Trouble(f"rewards.{index}.source", problem)


def _syntax(source: str) -> str | None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return f"its text is no Python: line {error.lineno}: {error.msg}"
    except ValueError as error:
        return f"its text is no Python: {error}"
    return None


def column_names(version: DataVersion) -> set[str]:
    """The columns that rewards may read from a data set: `answer` when one was mapped, and the set's own."""
    own = {str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in version.columns}
    return (own - {"answer"}) | ({"answer"} if version.mapping.get("answer") else set())


def _columns(spec: RunSpec, catalogue: Catalogue, version: DataVersion | None) -> Iterator[Trouble]:
    """Only a data set's columns are known here; a task's problems bring `answer` and what else the task says."""
    if version is None:
        return
    there = column_names(version)
    for index, reward in enumerate(spec.rewards):
        for name in sorted(needs.columns(reward, catalogue) - there):
            known = ", ".join(sorted(there)) or "none"
            what = f"{reward.label!r} reads the column {name!r}, which {version} does not have; it has: {known}"
            yield Trouble(f"rewards.{index}.name", what)
        if needs.wants_verdict(reward, catalogue):
            what = (
                f"{reward.label!r} asks the task's own verifier, and a data set has none; take a reward on the answer"
            )
            yield Trouble(f"rewards.{index}.name", what)
