"""The texts of the new-run form: rows added, taken out and renumbered, values set."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from labapp.workshop.wording import text_of
from workers.contract.formula import BOTH, OWN

Data = Mapping[str, str]
# Parts of which a run has many, with the kind of their methods (companions are models and have none).
ROWS = {
    "rewards": "rewards",
    "selection": "selection",
    "shaping": "shaping",
    "extras": "objectives",
    "regularisers": "regularisers",
    "companions": "",
}
PARTS = (
    ("credit", "credit"),
    ("objective", "objectives"),
    ("reduction", "reductions"),
    ("weighting", "weighting"),
)
PREFERENCES = "preferences"
_NUMBER = r"\d{1,4}"
_ROW = re.compile(rf"^({'|'.join(ROWS)})\.({_NUMBER})\.(.+)$")


def key_of(part: str) -> str:
    """The field that every row of the part has."""
    return "role" if part == "companions" else "name"


def address(kind: str, text: str) -> tuple[str, str]:
    """(kind, name) of the method that the text of a choice names: where an objective stands, a preference loss may
    stand too, as `preferences/<name>`."""
    other, slash, name = text.partition("/")
    return (other, name) if slash and other == PREFERENCES and kind == "objectives" else (kind, text)


def formula_at(data: Data, prefix: str, kind: str) -> bool:
    """Whether a formula stands at `prefix`, where a method of `kind` could: text of users, or a place for it."""
    name = data.get(f"{prefix}.name", "")
    if kind == "rewards" or data.get(f"{prefix}.shown") != name:
        return False
    return bool(data.get(f"{prefix}.source")) or (name == OWN and kind in BOTH)


def rows(data: Data, part: str) -> list[int]:
    """The numbers of the rows of a part of `ROWS`, in order."""
    found = (_ROW.match(name) for name in data)
    return sorted({int(match[2]) for match in found if match and match[1] == part and match[3] == key_of(part)})


def renumbered(data: Data, without: tuple[str, int] | None = None) -> dict[str, str]:
    """The same data with rows numbered 0, 1, 2, …; `without` leaves one row of one part out."""
    places = {
        (part, row): place
        for part in ROWS
        for place, row in enumerate(row for row in rows(data, part) if (part, row) != without)
    }
    made = {}
    for name, text in data.items():
        match = _ROW.match(name)
        if match is None:
            made[name] = text
        elif (match[1], int(match[2])) in places:
            made[f"{match[1]}.{places[match[1], int(match[2])]}.{match[3]}"] = text
    return made


def row_of(text: str) -> int | None:
    """The row that a button's text names; None for what no row has as its number."""
    return int(text) if re.fullmatch(_NUMBER, text) else None


def with_row(data: Data, part: str, name: str, label: str = "") -> dict[str, str]:
    """The data with one more row of a part of `ROWS`, its parameters at their defaults."""
    made = renumbered(data)
    prefix = f"{part}.{len(rows(made, part))}"
    made[f"{prefix}.{key_of(part)}"] = name
    if part == "rewards":
        taken = {made.get(f"rewards.{row}.label") for row in rows(made, part)}
        plain = label or name
        made[f"{prefix}.label"] = next(one for one in _numbered(plain) if one not in taken)
        made |= {f"{prefix}.weight": "1.0", f"{prefix}.on_failure": "skip"}
    return made


def _numbered(label: str) -> Iterable[str]:
    yield label
    number = 2
    while True:
        yield f"{label} {number}"
        number += 1


def with_values(data: Data, values: Mapping[str, Any]) -> dict[str, str]:
    """The data with the fields of a trouble's fix set; a tick box that goes off is left out."""
    made = dict(data)
    for path, value in values.items():
        if value is False:
            made.pop(path, None)
        else:
            made[path] = text_of(value)
    return made
