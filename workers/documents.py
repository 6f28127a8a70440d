"""The whole run as one document, JSON or YAML: written for people, and read back with the line of what is wrong.

Serves the pages and the command line; knows neither the web nor torch.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from workers.contract.catalogue import Catalogue
from workers.contract.limits import problem_with
from workers.contract.method import MethodError
from workers.contract.recipes import places
from workers.contract.spec import Pick, RunSpec, SpecError, from_dict, to_dict, to_json
from workers.yaml_dialect import Reader, Writer

LONGEST = 400_000  # characters; a run with several code rewards has a few thousand


@dataclass
class DocumentError(ValueError):
    """Why a document is no run: the sentence, the field's path where it has one, and its line (from 1)."""

    what: str
    path: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """One line: where and what."""
        place = "" if self.line is None else f"line {self.line}: "
        return f"{place}{self.path + ': ' if self.path else ''}{self.what}"


def as_json(spec: RunSpec) -> str:
    """The document as indented JSON."""
    return to_json(spec)


def as_yaml(spec: RunSpec) -> str:
    """The document as YAML, fields in the order of the spec."""
    return yaml_of(to_dict(spec))


def yaml_of(document: Mapping[str, Any]) -> str:
    """Any document of JSON values as YAML that is read back the same, fields in its own order."""
    return yaml.dump(dict(document), Dumper=Writer, sort_keys=False, allow_unicode=True, width=110)


def read(text: str) -> RunSpec:
    """The run that a pasted document (JSON or YAML) describes; DocumentError says where it is none."""
    if not text.strip():
        raise DocumentError("the document is empty; copy one from the panel of a run")
    if len(text) > LONGEST:
        raise DocumentError(f"the document has {len(text):,} characters; at most {LONGEST:,} are read")
    document = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    try:
        return from_dict(document)
    except SpecError as error:
        path, _, what = str(error).partition(": ")
        raise DocumentError(what, path, line_of(text, path)) from None


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON ({error.msg}, column {error.colno})", line=error.lineno) from None
    except RecursionError:
        raise DocumentError("is nested too deeply to be a run") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise DocumentError(f"the field {key!r} is given twice", key)
        made[key] = value
    return made


def _yaml(text: str) -> object:
    try:
        return yaml.load(text, Loader=Reader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(f"not YAML ({error.problem})", line=None if mark is None else mark.line + 1) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"not YAML ({str(error).splitlines()[0]})") from None


def line_of(text: str, path: str) -> int | None:
    """The line (from 1) where the field at the dotted `path` stands, or its nearest parent that the text has."""
    try:
        node = yaml.compose(text, Loader=Reader)  # JSON is YAML, but for a few corners that we need no line for
    except (yaml.YAMLError, RecursionError):
        return None
    if node is None:
        return None
    line: int = node.start_mark.line
    for part in path.split("."):
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line + 1


def _child(node: Any, part: str) -> tuple[int, Any] | None:
    """The line of the entry `part` (a key or an index), and its node."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item.start_mark.line, item
    return None


def require_known(spec: RunSpec, catalogue: Catalogue, text: str) -> None:
    """DocumentError when the document names a method or a parameter that no form could show, or a value it refuses."""
    for path, pick in _places(spec):
        for trouble_path, what in _unknown(path, pick, catalogue):
            raise DocumentError(what, trouble_path, line_of(text, trouble_path))


def _places(spec: RunSpec) -> Iterator[tuple[str, Pick]]:
    if spec.prompts.task is not None:
        yield "prompts.task", replace(spec.prompts.task, kind="tasks")
    for index, reward in enumerate(spec.rewards):
        for place, node in () if reward.tree is None else reward.tree.walk():
            if not node.source:
                where = f"rewards.{index}.tree.{place}" if place else f"rewards.{index}.tree"
                yield where, Pick(node.kind, node.name, node.params)
        if not reward.source and reward.tree is None:
            yield f"rewards.{index}", Pick("rewards", reward.name, reward.params)
    for path, pick, kind in places(spec):
        if not pick.source:
            yield path, replace(pick, kind=kind)


def _unknown(path: str, pick: Pick, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    if pick.kind == "rewards" and pick.name.startswith(("code:", "tree:")):
        return  # a reference without its text or its parts: the form says so at the field
    try:
        method = catalogue.get(pick.kind, pick.name)
    except MethodError as error:
        yield f"{path}.name", str(error)
        return
    params = {param.name: param for param in method.params}
    for name, value in pick.params.items():
        known = ", ".join(params) or "none"
        what = problem_with(params[name], value) if name in params else f"unknown; {method.name} has: {known}"
        if what is not None:
            yield f"{path}.params.{name}", what
