"""The mapping page's form: a `ColumnMap` as flat fields, back again, and the places that can be chosen."""

from collections.abc import Iterator, Mapping
from typing import Any

from labapp.workshop.mapping import ColumnMap, CompletionPlace, is_list_of_texts
from labapp.workshop.models import DataSet
from labapp.workshop.reading import Table

LOOKED_AT = 20
MOST_PLACES = 64
DEEPEST = 3
ONE_OF_EACH = ("prompt", "answer", "answer_after", "group", "chosen", "rejected")


def fields_of(mapping: ColumnMap) -> dict[str, str]:
    """The form's texts that show a mapping."""
    data = {name: str(getattr(mapping, name)) for name in ONE_OF_EACH} | {"longest": str(mapping.longest or "")}
    for number, place in enumerate(mapping.completions):
        data |= {f"completion.{number}.text": place.text, f"completion.{number}.label": place.label}
    return data


def read_fields(posted: Mapping[str, Any]) -> ColumnMap:
    """The mapping that the form's texts describe; completions without a place are left out."""
    texts = {name: str(posted.get(name, "")) for name in ONE_OF_EACH}
    places = []
    for number in range(MOST_PLACES):
        text = str(posted.get(f"completion.{number}.text", ""))
        if text:
            places.append(CompletionPlace(text, str(posted.get(f"completion.{number}.label", ""))))
    return ColumnMap(completions=tuple(places), longest=_longest(str(posted.get("longest", "")).strip()), **texts)


def _longest(text: str) -> int:
    """The most bytes of a prompt (of pairs: with its completion); 0 for none given, less for a text that is no number,
    which the mapping then refuses."""
    return 0 if not text else int(text) if text.isdecimal() and len(text) <= 9 else -1


def read_kind(posted: Mapping[str, Any], given: str) -> str:
    """What the file holds, as chosen; `given` when nothing sensible was."""
    kind = str(posted.get("kind", ""))
    return kind if kind in DataSet.HOLDS else given


def places(table: Table) -> list[str]:
    """Every column, and what stands inside nested ones, as far as the first rows show; in order of appearance."""
    found: dict[str, None] = {}
    rows = table.preview(LOOKED_AT)
    for column in table.columns:
        found[column] = None
        for row in rows:
            found |= dict.fromkeys(_inside(column, row.get(column), 1))
    return list(found)[:400]


def _inside(place: str, value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        steps = [(str(name), inner) for name, inner in value.items()]
    elif isinstance(value, list) and not is_list_of_texts(value):
        steps = [(str(number), inner) for number, inner in enumerate(value[:8])]
    else:
        return
    for step, inner in steps:
        yield f"{place}.{step}"
        yield from _inside(f"{place}.{step}", inner, depth + 1)


def rows_of_places(mapping: ColumnMap) -> list[dict[str, Any]]:
    """The form's lines for completions: those chosen, and an empty one to choose a further place in."""
    chosen = [*mapping.completions, CompletionPlace("")][:MOST_PLACES]
    return [{"number": number, "text": place.text, "label": place.label} for number, place in enumerate(chosen)]
