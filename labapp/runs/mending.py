"""What a trouble proposes, done: in the texts of a form, or in a run's document."""

import copy
from collections.abc import Mapping
from typing import Any

from labapp.runs.filling import companion_texts, pick_texts, pool_texts
from labapp.runs.form_data import ROWS, Data, renumbered, with_values
from labapp.runs.recipe_fields import NOT_ALWAYS
from labapp.workshop import treedocs
from workers.contract.catalogue import Catalogue
from workers.contract.recipes import recipe_troubles
from workers.contract.spec import Companion, Pick, Pool, RunSpec, SpecError, build, from_dict, to_dict

MOST = 8  # proposals followed one after another


def with_fix(data: Data, fix: Mapping[str, Any], catalogue: Catalogue) -> dict[str, str]:
    """The form data with a fix done; parts of the recipe are put in and taken out. SpecError when it is none."""
    made = dict(data)
    for path, value in fix.items():
        head, within, place = path.partition(".tree.")
        if within and head.startswith("rewards."):
            made = _in_tree(made, f"{head}.tree", place, value)
        elif path in ROWS:
            made = _rows(made, path, value, catalogue)
        elif value is None and path in NOT_ALWAYS:
            made = {name: text for name, text in made.items() if not name.startswith(f"{path}.")} | {f"{path}.name": ""}
        elif path == "pool":
            kept = {name: text for name, text in made.items() if not name.startswith("pool.")}
            made = kept | pool_texts(build(Pool | None, value, path))
        elif isinstance(value, Mapping) and not _is_schedule(path):
            made = {name: text for name, text in made.items() if not name.startswith(f"{path}.")}
            made |= pick_texts(path, build(Pick, value, path), catalogue)
        else:
            made = with_values(made, {path: value})
    return made


def _in_tree(data: Data, field: str, place: str, value: object) -> dict[str, str]:
    """The data with something set in a reward's tree, which stands in one field."""
    try:
        tree = treedocs.document(treedocs.read_text(data.get(field, "")))
    except SpecError:
        return dict(data)
    made = changed({"tree": tree}, {f"tree.{place}": value})["tree"]
    return dict(data) | {field: treedocs.text_of(treedocs.read(made))}


def _is_schedule(path: str) -> bool:
    return ".params." in path


def _rows(data: Data, part: str, value: object, catalogue: Catalogue) -> dict[str, str]:
    """The data with the rows of `part` replaced by those of the document's list."""
    made = {name: text for name, text in data.items() if not name.startswith(f"{part}.")}
    if part == "companions":
        return made | companion_texts(build(tuple[Companion, ...], value, part))
    for index, pick in enumerate(build(tuple[Pick, ...], value, part)):
        made |= pick_texts(f"{part}.{index}", pick, catalogue)
    return renumbered(made)


def mended(spec: RunSpec, catalogue: Catalogue) -> RunSpec:
    """The run with everything done that its recipe's troubles propose, such as a critic for a credit that asks for one.

    What nobody can propose, such as which model a guide is, stays a trouble.
    """
    for _ in range(MOST):
        fix = next((one.fix for one in recipe_troubles(spec, catalogue) if one.fix), None)
        if fix is None:
            break
        spec = from_dict(changed(to_dict(spec), fix))
    return spec


def changed(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a document with the fields at these dotted paths set; SpecError for a place it does not have."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for path, value in values.items():
        *parents, last = path.split(".")
        place: Any = made
        for part in parents:
            place = _child(place, part, path)
        if isinstance(place, list):
            _child(place, last, path)
            place[int(last)] = copy.deepcopy(value)
        elif isinstance(place, dict):
            place[last] = copy.deepcopy(value)
        else:
            raise SpecError(f"{path}: there is no such field")
    return made


def _child(place: Any, part: str, path: str) -> Any:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list) and part.isdigit() and int(part) < len(place):
        return place[int(part)]
    raise SpecError(f"{path}: there is no such field")
