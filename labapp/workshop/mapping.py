"""Turns the rows of a table into problems to train on, or into recorded completions to analyse or to learn from;
`pairing.py` turns them into preference pairs.

A `ColumnMap` says where things stand. A place is a column's name, or a path into a nested one: `6b_finetuning.solution`
is the field `solution` of the column `6b_finetuning`, `answers.0` the first item of a list. `guessing.py`
proposes a map from names and shapes; a person may change it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from labapp.workshop.labels import read_label
from labapp.workshop.reading import BadRow, Table
from workers.contract.answers import Problem

RESERVED = ("prompt", "answer")
T = TypeVar("T")


@dataclass(frozen=True)
class CompletionPlace:
    """Where a completion's text stands, and its label of correctness if it has one. The text may be a list of texts:
    several completions, with a list of labels as long."""

    text: str
    label: str = ""


@dataclass(frozen=True)
class ColumnMap:
    """Which column is what; an empty string means none.

    `answer_after`: only what follows the last of these letters in the answer counts (GSM8K: `####`). `completions`
    has one place for each completion of a row. `group` tells apart groups that share a prompt (such as a step); rows
    with the same prompt and group are one group. Rows whose prompt has more than `longest` bytes are left out
    (0: none): a model of bytes has one token for each. `chosen` and `rejected` are the sides of a preference pair,
    whose prompt may stand inside them; of a pair, `longest` counts the prompt with the longer side.
    """

    prompt: str
    answer: str = ""
    answer_after: str = ""
    completions: tuple[CompletionPlace, ...] = ()
    group: str = ""
    longest: int = 0
    chosen: str = ""
    rejected: str = ""


@dataclass(frozen=True)
class Completion:
    """One recorded completion: `label` 1.0 right, 0.0 wrong (or a share), None unknown; `name` says which of its row's
    places it comes from, `columns` what else stood beside it."""

    text: str
    label: float | None
    name: str
    line: int
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """A problem with its recorded completions."""

    problem: Problem
    completions: tuple[Completion, ...]


def map_columns(table: Table, mapping: ColumnMap) -> tuple[list[Problem], list[BadRow]]:
    """Every row as a problem, and the rows that are none, each with its reason.

    A problem's columns are all columns but the prompt's; none is called prompt or answer, which a problem has anyway.
    Raises ValueError when the mapping names a column that the table has not.
    """
    _refuse_promptless(mapping)
    return each_row(table, mapping, lambda row, line: _problem(row, mapping, {mapping.prompt}))


def map_completions(table: Table, mapping: ColumnMap) -> tuple[list[Group], list[BadRow]]:
    """Recorded completions by problem, in order of first appearance, and the rows that were left out with the reason.

    With several places a row is a group of its own; with one place rows of the same prompt and `group` are gathered.
    Raises ValueError when the mapping has no completions or names a column that the table has not.
    """
    if not mapping.completions:
        raise ValueError("choose where the completions stand")
    _refuse_promptless(mapping)
    pairs, bad = each_row(table, mapping, lambda row, line: _recorded(row, line, mapping))
    gathered: dict[object, tuple[Problem, list[Completion]]] = {}
    for number, (key, problem, completions) in enumerate(pairs):
        own = number if len(mapping.completions) > 1 else key
        gathered.setdefault(own, (problem, []))[1].extend(completions)
    return [Group(problem, tuple(completions)) for problem, completions in gathered.values()], bad


def place_value(row: Mapping[str, Any], place: str) -> Any:
    """What stands at a place of a row; None where there is nothing. A column of that very name comes first."""
    if place in row:
        return row[place]
    value: Any = row
    for step in place.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def each_row(
    table: Table, mapping: ColumnMap, make: Callable[[Mapping[str, Any], int], T]
) -> tuple[list[T], list[BadRow]]:
    """What `make` makes of each (row, line), and the rows of which it makes nothing: it says why in a ValueError.
    ValueError when the mapping names a column that the table has not."""
    _refuse_unknown(table, mapping)
    made, bad = [], list(table.bad)
    for row, line in zip(table.rows, table.lines, strict=True):
        try:
            made.append(make(row, line))
        except ValueError as error:
            bad.append(BadRow(line, str(error)))
    return made, sorted(bad, key=lambda row: row.line)


def _refuse_promptless(mapping: ColumnMap) -> None:
    if not mapping.prompt:
        raise ValueError("choose the column of the prompt")


def _refuse_unknown(table: Table, mapping: ColumnMap) -> None:
    if mapping.longest < 0:
        raise ValueError("the longest prompt is a whole number of bytes, or nothing for no limit")
    places = [mapping.prompt, mapping.answer, mapping.group, mapping.chosen, mapping.rejected]
    places += [place for completion in mapping.completions for place in (completion.text, completion.label)]
    for place in places:
        if place and root(table.columns, place) not in table.columns:
            raise ValueError(f"there is no column {place!r}; the file has: {', '.join(table.columns)}")


def root(columns: tuple[str, ...], place: str) -> str:
    """The column that a place stands in."""
    return place if place in columns else place.split(".")[0]


def _problem(row: Mapping[str, Any], mapping: ColumnMap, taken: set[str]) -> Problem:
    prompt = required_text(place_value(row, mapping.prompt), "prompt")
    if 0 < mapping.longest < (size := len(prompt.encode())):
        raise ValueError(f"the prompt has {size:,} bytes; {mapping.longest:,} are allowed")
    return Problem(prompt, answer_of(row, mapping), own_columns(row, taken))


def own_columns(row: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """A row's columns without those that are taken and those whose names a problem has anyway."""
    return {name: value for name, value in row.items() if name not in taken and name not in RESERVED}


def answer_of(row: Mapping[str, Any], mapping: ColumnMap) -> str:
    """The row's reference answer as text, empty where the mapping has none; ValueError when it should be there."""
    if not mapping.answer:
        return ""
    value = place_value(row, mapping.answer)
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, int | float) else required_text(value, "answer")
    if not mapping.answer_after:
        return text
    _, mark, end = text.rpartition(mapping.answer_after)
    if not mark:
        raise ValueError(f"the answer does not hold {mapping.answer_after.strip()!r}")
    return required_text(end.strip(), "answer")


def required_text(value: object, what: str) -> str:
    """A text that is not blank; a conversation of one message counts as its content."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0].get("content")
    if value is None:
        raise ValueError(f"the {what} is missing")
    if not isinstance(value, str):
        raise ValueError(f"the {what} is not text but {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"the {what} is empty")
    return value


def _recorded(
    row: Mapping[str, Any], line: int, mapping: ColumnMap
) -> tuple[tuple[str, str], Problem, list[Completion]]:
    """(what its group is gathered by, the problem, its completions) of one row."""
    columns = tuple(row)
    taken = {root(columns, place.text) for place in mapping.completions}
    taken |= {root(columns, place.label) for place in mapping.completions if place.label}
    problem = _problem(row, mapping, taken | {mapping.prompt})
    beside: Mapping[str, Any] = {}
    if len(mapping.completions) == 1:
        # One completion a row: what stands beside it (a reward, an advantage) is its own and not the problem's.
        beside, problem = problem.columns, Problem(problem.prompt, problem.answer)
    completions = [c for place in mapping.completions for c in _completions_at(row, line, place, beside)]
    return (repr(place_value(row, mapping.group)) if mapping.group else "", problem.prompt), problem, completions


def _completions_at(
    row: Mapping[str, Any], line: int, place: CompletionPlace, beside: Mapping[str, Any]
) -> list[Completion]:
    texts = place_value(row, place.text)
    labels = place_value(row, place.label) if place.label else None
    if not is_list_of_texts(texts):
        texts, labels = [texts], [labels]
    elif labels is None:
        labels = [None] * len(texts)
    if not isinstance(labels, list) or len(labels) != len(texts):
        raise ValueError(f"{place.label} does not hold one label for each of the {len(texts)} completions")
    name = place.text.rpartition(".")[0] or place.text
    return [
        Completion(_completion_text(text), read_label(label, place.label), name, line, beside)
        for text, label in zip(texts, labels, strict=True)
    ]


def is_list_of_texts(value: object) -> bool:
    """Whether a value is several completions at one place."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, str) for item in value)


def _completion_text(value: object) -> str:
    # A policy may well have said nothing: an empty completion is one, a missing one is not.
    return "" if value == "" else required_text(value, "completion")
