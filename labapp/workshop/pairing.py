"""Turns the rows of a table into preference pairs: a prompt, the chosen completion, the rejected one.

A side is text, a conversation that ends with the answer, or a list of texts (then each chosen one makes a pair with
each rejected one). Without a column of prompts, the prompt is what both sides begin with: the messages before the
answer, or of transcripts everything up to the last `Assistant:` that they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"  # what begins a turn in transcripts such as those of HH-RLHF


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
    return _conversation(value, "prompt") if _is_conversation(value) else required_text(value, "prompt")


def _apart(chosen: object, rejected: object, given: str | None) -> tuple[str, str, str]:
    """(prompt, chosen, rejected) of two sides."""
    if _is_conversation(chosen) or _is_conversation(rejected):
        first, good = _last_said(chosen, "chosen")
        second, bad = _last_said(rejected, "rejected")
        before = {one for one in (first, second, given) if one}
        if len(before) > 1:
            raise ValueError("chosen, rejected and the prompt do not begin with the same messages; is it inside them?")
        if not before:
            raise ValueError("there is no message before the answer: choose the column of the prompt")
        return before.pop(), good, bad
    good, bad = required_text(chosen, "chosen completion"), required_text(rejected, "rejected completion")
    return (given, good, bad) if given is not None else _transcripts(good, bad)


def _transcripts(good: str, bad: str) -> tuple[str, str, str]:
    turn = good.rfind(ASSISTANT)
    while turn >= 0 and not bad.startswith(good[: turn + len(ASSISTANT)]):
        turn = good.rfind(ASSISTANT, 0, turn)
    if turn < 0:
        raise ValueError("chosen and rejected share no beginning up to “Assistant:”: choose the column of the prompt")
    cut = turn + len(ASSISTANT)
    if HUMAN in good[cut:] or HUMAN in bad[cut:]:
        raise ValueError("chosen and rejected differ in more than the last answer")
    return good[:cut], good[cut:], bad[cut:]


def _is_conversation(value: object) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, Mapping) for item in value)


def _last_said(value: object, side: str) -> tuple[str, str]:
    """(what stands before, empty where nothing does; the last message) of a conversation."""
    if not isinstance(value, list) or not _is_conversation(value):
        raise ValueError(f"{side} is not a conversation, as the other side is")
    role = value[-1].get("role", "assistant")
    if role != "assistant":
        raise ValueError(f"the last message of {side} is not the assistant's but of role {role!r:.40}")
    before = _conversation(value[:-1], side) if len(value) > 1 else ""
    return before, required_text(value[-1].get("content"), f"{side} completion")


def _conversation(messages: object, what: str) -> str:
    """Messages as text: one alone is its content, several are a transcript that the assistant is to go on with."""
    assert isinstance(messages, list)
    texts = [required_text(message.get("content"), f"{what} message") for message in messages]
    if len(texts) == 1:
        return texts[0]
    turns = [f"{message.get('role', 'user')}: {text}" for message, text in zip(messages, texts, strict=True)]
    return "\n\n".join([*turns, "assistant:"])


def _refuse(prompt: str, sides: list[str], longest: int) -> None:
    for side, name in zip(sides, ("chosen", "rejected"), strict=True):
        if not side.strip():
            raise ValueError(f"the {name} completion is empty")
    if sides[0] == sides[1]:
        raise ValueError("chosen and rejected are the same text")
    size = len(prompt.encode()) + max(len(side.encode()) for side in sides)
    if 0 < longest < size:
        raise ValueError(f"prompt and completion have {size:,} bytes; {longest:,} are allowed")
