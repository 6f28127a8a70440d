"""The texts of the new-run form: rows added, taken out and renumbered, values set."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from labapp.workshop.wording import text_of

Data = Mapping[str, str]
ROWS = ("rewards", "regularisers")
CODE = "code:"
PARTS = (("credit", "credit"), ("objective", "objectives"), ("reduction", "reductions"))
_ROW = re.compile(rf"^({'|'.join(ROWS)})\.(\d{{1,4}})\.(.+)$")


def rows(data: Data, part: str) -> list[int]:
    """The numbers of the rows of `rewards` or `regularisers`, in order."""
    found = (_ROW.match(name) for name in data)
    return sorted({int(match[2]) for match in found if match and match[1] == part and match[3] == "name"})


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


def with_row(data: Data, part: str, name: str, label: str = "") -> dict[str, str]:
    """The data with one more row of `rewards` or `regularisers`, its parameters at their defaults."""
    made = renumbered(data)
    prefix = f"{part}.{len(rows(made, part))}"
    made[f"{prefix}.name"] = name
    if part == "rewards":
        taken = {made.get(f"rewards.{row}.label") for row in rows(made, part)}
        plain = label or name
        made[f"{prefix}.label"] = next(one for one in _numbered(plain) if one not in taken)
        made[f"{prefix}.weight"] = "1.0"
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
