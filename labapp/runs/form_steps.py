"""What the buttons of a form of parts do with its data: on the new-run page and on the page of an algorithm."""

import json
from collections.abc import Callable
from typing import Any

from django.http import QueryDict

from labapp import shelf
from labapp.runs.form_data import ROWS, renumbered, row_of, with_row
from labapp.runs.mending import with_fix
from labapp.workshop.references import label_of
from workers.contract.spec import SpecError

Data = dict[str, str]
ADDS = tuple(f"add_{part}" for part in ROWS)  # one list of choices for each part that may stand several times


def texts(posted: QueryDict) -> Data:
    """The fields of the form, without those that only its buttons have."""
    own = {"csrfmiddlewaretoken", "do", "what", "document", "message", "use_algorithm", *ADDS}
    return {name: str(text) for name, text in posted.items() if name not in own}


def stay(data: Data, posted: QueryDict) -> Data:
    """A method was exchanged: the same data, shown with its parameters."""
    return data


def add(data: Data, posted: QueryDict) -> Data:
    """One more row: the list that it was chosen from says `<part>/<name>`, the others nothing."""
    chosen = next(filter(None, (posted.get(field, "") for field in ADDS)), "")
    part, _, name = chosen.partition("/")
    if part not in ROWS or not name:
        return data
    return with_row(data, part, name, label_of(name))


def remove(data: Data, posted: QueryDict) -> Data:
    """One row less: `what` is `<part>/<row>`."""
    part, _, row = posted.get("what", "").partition("/")
    number = row_of(row)
    return renumbered(data, None if number is None else (part, number))


def fix(data: Data, posted: QueryDict) -> Data:
    """What a trouble proposed is done: `what` is a JSON object of fields and values."""
    try:
        values: Any = json.loads(posted.get("what", ""))
    except ValueError:
        return data
    try:
        return with_fix(data, values, shelf.catalogue()) if isinstance(values, dict) else data
    except SpecError:
        return data  # no page of ours proposes such a thing


STEPS: dict[str, Callable[[Data, QueryDict], Data]] = {"change": stay, "add": add, "remove": remove, "fix": fix}
