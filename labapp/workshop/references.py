"""How a run's document names what a team saved in versions: `<id>@<version>`, a reward's with `code:` (Python) or
`tree:` (put together from parts) before it."""

import re

CODE, TREE = "code:", "tree:"
SAVED = (CODE, TREE)  # how the name of a reward begins that a team saved
_REFERENCE = re.compile(r"([0-9]{1,18})@([0-9]{1,9})")


def label_of(name: str) -> str:
    """How a saved reward is called where nobody said otherwise; empty for a method of the catalogue."""
    return name.partition(":")[0] if name.startswith(SAVED) else ""


def reference_of(pk: int, number: int | str) -> str:
    """What names version `number` of the thing with that key; with "" what the names of all its versions begin with."""
    return f"{pk}@{number}"


def read_reference(text: str) -> tuple[int, int] | None:
    """(key, version) that a reference names, both small enough to be asked of the database; None when it is none."""
    match = _REFERENCE.fullmatch(text)
    return None if match is None else (int(match[1]), int(match[2]))
