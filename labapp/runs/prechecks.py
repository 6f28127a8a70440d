"""What is wrong with a run, as far as the web can see it without torch: said in the form, before anything is queued."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labapp.accounts.models import Team
from labapp.runs import needs
from labapp.runs.model_checks import length_troubles, model_troubles
from labapp.runs.stock_checks import stock_troubles
from labapp.workshop import algorithms, treedocs
from labapp.workshop.models import DataVersion
from labapp.workshop.references import CODE, TREE, read_reference
from labapp.workshop.saved import saved_rewards, texts_of
from workers.contract import checking
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.rewardnode import Node
from workers.contract.spec import RunSpec, SpecError, to_dict


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
    known = texts_of(saved_rewards(team)) if saved is None else saved
    version = data_version(team, spec.prompts.dataset) if spec.prompts.dataset else None
    found = [
        *null_troubles(to_dict(spec)),
        *model_troubles(spec, team.pk),
        *_code(spec, known),
        *checking.troubles(spec, catalogue),
        *_algorithm(spec, team),
        *_prompts(spec, version),
        *(() if version is None else stock_troubles(spec, catalogue, version)),
        *_columns(spec, catalogue, version),
        *length_troubles(spec, version, team.pk),
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
        if reward.name.startswith(TREE) or reward.tree is not None:
            yield from _tree(f"rewards.{index}", reward.name, reward.tree, saved)
        elif reward.name.startswith(CODE) and not reward.source:
            what = f"there is no saved text of {reward.name} in this team; choose a version that exists"
            yield Trouble(f"rewards.{index}.name", what)
        elif reward.name in saved and saved[reward.name] != reward.source:
            what = f"this is not the text that {reward.name} has; a saved version never changes"
            yield Trouble(f"rewards.{index}.source", what, {f"rewards.{index}.source": saved[reward.name]})
        elif reward.source:
            problem = _syntax(reward.source)
            if problem is not None:
                yield Trouble(f"rewards.{index}.source", problem)


def _tree(path: str, name: str, tree: Node | None, saved: Mapping[str, str]) -> Iterator[Trouble]:
    """What differs between a reward's parts and what this team saved under their names."""
    if tree is None:
        yield Trouble(f"{path}.name", f"there is no saved reward {name} in this team; choose a version that exists")
        return
    if name in saved and not _same(tree, saved[name]):
        what = f"these are not the parts that {name} has; a saved version never changes"
        yield Trouble(f"{path}.tree", what, {f"{path}.tree": saved[name]})
    for place, node in tree.walk():
        if node.name in saved and node.source != saved[node.name]:
            where = f"{path}.tree.{place}" if place else f"{path}.tree"
            what = f"this is not the text that {node.name} has; a saved version never changes"
            yield Trouble(f"{where}.source", what, {f"{where}.source": saved[node.name]})


def _same(tree: Node, saved: str) -> bool:
    try:
        return treedocs.bare(tree) == treedocs.bare(treedocs.read_text(saved))
    except SpecError:
        return False


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
