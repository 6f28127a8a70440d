"""A document with some of its fields changed, named by dotted paths."""

import copy
from collections.abc import Mapping
from typing import Any

from labapp.api.errors import Refusal


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `document` in which each path (`rewards.0.weight`) has its new value; a parameter may be new.

    Refuses a path whose parent the document does not have.
    """
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = made
        for part in parents:
            place = _child(place, part, path)
        if isinstance(place, list):
            _child(place, last, path)
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise _nowhere(path)
    return made


def _child(place: Any, part: str, path: str) -> Any:
    if isinstance(place, dict) and part in place:
        return place[part]
    if isinstance(place, list) and part.isdigit() and int(part) < len(place):
        return place[int(part)]
    raise _nowhere(path)


def _nowhere(path: str) -> Refusal:
    return Refusal(422, f"changes.{path}", "the run's document has no such field", "Read the run to see its document.")
