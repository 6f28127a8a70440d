"""Turns the rows of a table into preference pairs: a prompt, the chosen completion, the rejected one.

A side is text, a conversation that ends with the answer, or a list of texts (then each chosen one makes a pair with
each rejected one). Without a column of prompts, the prompt is what both sides begin with: the messages before the
answer, or of transcripts everything up to the last `Assistant:` that they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labapp.workshop.conversations import is_conversation, last_said, shared_talk, talk
from labapp.workshop.mapping import (
    ColumnMap,
    answer_of,
    each_row,
    is_list_of_texts,
    own_columns,
    place_value,
    required_text,
    root,
)
from labapp.workshop.reading import BadRow, Table
from workers.contract.answers import Problem


@dataclass(frozen=True)
class Pair:
    """A problem with two completions of which the first is the better one, and the line they come from."""

    problem: Problem
    chosen: str
    rejected: str
    line: int


def map_pairs(table: Table, mapping: ColumnMap) -> tuple[list[Pair], list[BadRow]]:
    """Every pair of every row in order, and the rows that hold none, each with its reason.

    Raises ValueError when the mapping lacks a side or names a column that the table has not.
    """
    if not (mapping.chosen and mapping.rejected):
        raise ValueError("choose where the chosen and the rejected completions stand")
    if mapping.chosen == mapping.rejected:
        raise ValueError("chosen and rejected stand in the same place; choose two")
    found, bad = each_row(table, mapping, lambda row, line: _pairs(row, line, mapping))
    return [pair for pairs in found for pair in pairs], bad


def _pairs(row: Mapping[str, Any], line: int, mapping: ColumnMap) -> list[Pair]:
    columns = tuple(row)
    taken = {root(columns, place) for place in (mapping.prompt, mapping.chosen, mapping.rejected)}
    answer, beside = answer_of(row, mapping), own_columns(row, taken)
    given = _prompt(place_value(row, mapping.prompt)) if mapping.prompt else None
    made = []
    for chosen in _items(place_value(row, mapping.chosen)):
        for rejected in _items(place_value(row, mapping.rejected)):
            prompt, *sides = _apart(chosen, rejected, given)
            _refuse(prompt, sides, mapping.longest)
            made.append(Pair(Problem(prompt, answer, beside), sides[0], sides[1], line))
    return made


def _items(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) and is_list_of_texts(value) else [value]


def _prompt(value: object) -> str:
    return talk(value, "prompt") if is_conversation(value) else required_text(value, "prompt")


def _apart(chosen: object, rejected: object, given: str | None) -> tuple[str, str, str]:
    """(prompt, chosen, rejected) of two sides."""
    if is_conversation(chosen) or is_conversation(rejected):
        first, good = last_said(chosen, "chosen")
        second, bad = last_said(rejected, "rejected")
        before = {one for one in (first, second, given) if one}
        if len(before) > 1:
            raise ValueError("chosen, rejected and the prompt do not begin with the same messages; is it inside them?")
        if not before:
            raise ValueError("there is no message before the answer: choose the column of the prompt")
        return before.pop(), good, bad
    good, bad = required_text(chosen, "chosen completion"), required_text(rejected, "rejected completion")
    return (given, good, bad) if given is not None else shared_talk(good, bad)


def _refuse(prompt: str, sides: list[str], longest: int) -> None:
    for side, name in zip(sides, ("chosen", "rejected"), strict=True):
        if not side.strip():
            raise ValueError(f"the {name} completion is empty")
    if sides[0] == sides[1]:
        raise ValueError("chosen and rejected are the same text")
    size = len(prompt.encode()) + max(len(side.encode()) for side in sides)
    if 0 < longest < size:
        raise ValueError(f"prompt and completion have {size:,} bytes; {longest:,} are allowed")
