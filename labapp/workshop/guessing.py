"""Proposes which column is what, from the names of the columns and the shape of the first rows."""

import re
from collections.abc import Mapping
from typing import Any

from labapp.workshop.mapping import ColumnMap, CompletionPlace, is_list_of_texts
from labapp.workshop.models import DataSet
from labapp.workshop.pairing import map_pairs
from labapp.workshop.reading import Table

PROMPT_NAMES = ("prompt", "question", "problem", "instruction", "query", "input", "text")
ANSWER_NAMES = ("answer", "ground_truth", "reference", "gold", "target", "expected", "final_answer")
TEXT_NAMES = ("completion", "solution", "response", "generation", "text", "output", "content")
CHOSEN_NAMES = ("chosen", "chosen_response", "response_chosen", "preferred", "winner")
REJECTED_NAMES = ("rejected", "rejected_response", "response_rejected", "dispreferred", "loser")
LABEL_NAMES = ("is_correct", "correct", "label", "verdict")
GROUP_NAMES = ("step", "group", "group_id", "prompt_id", "problem_id", "question_id")
ANSWER_MARKS = ("####", "\nA:")
NUMBERED = re.compile(r"(completion|solution|response|generation|output|prediction|sample|answer)[ _-]?\d+")
LOOKED_AT = 20


def guess_mapping(table: Table) -> ColumnMap:
    """A mapping proposed from the names of the columns and the shape of the first rows; `prompt` is empty when no
    column holds text."""
    rows = table.preview(LOOKED_AT)
    chosen, rejected = _first_named(table, CHOSEN_NAMES), _first_named(table, REJECTED_NAMES)
    if chosen and rejected:
        return _pair_map(table, chosen, rejected)
    prompt = _first_named(table, PROMPT_NAMES) or next((c for c in table.columns if _all_text(rows, c)), "")
    answer = _first_named(table, ANSWER_NAMES, but=prompt)
    wide = [place for column in table.columns for place in _places_inside(rows, column)]
    wide += [CompletionPlace(column) for column in table.columns if _is_numbered_text(rows, column)]
    single = _first_named(table, TEXT_NAMES, but=prompt)
    if wide:
        places = tuple(wide)
    elif single and single != answer:
        places = (CompletionPlace(single, _first_named(table, LABEL_NAMES)),)
    else:
        places = ()
    group = _first_named(table, GROUP_NAMES) if single and not wide else ""
    return ColumnMap(prompt, answer, _answer_mark(rows, answer), places, group)


def guess_kind(mapping: ColumnMap) -> str:
    """What a file holds, by the mapping that was guessed for it."""
    if mapping.chosen and mapping.rejected:
        return DataSet.PAIRS
    return DataSet.COMPLETIONS if mapping.completions else DataSet.PROMPTS


def _pair_map(table: Table, chosen: str, rejected: str) -> ColumnMap:
    """A prompt of its own where a column is called so; else that inside both sides, or the first column of text where
    they do not hold it."""
    rows = table.preview(LOOKED_AT)
    prompt, answer = _first_named(table, PROMPT_NAMES), _first_named(table, ANSWER_NAMES)
    inside = ColumnMap("", answer, chosen=chosen, rejected=rejected)
    if not prompt and not map_pairs(Table(table.columns, rows, table.lines[:LOOKED_AT]), inside)[0]:
        prompt = next((c for c in table.columns if c not in (answer, chosen, rejected) and _all_text(rows, c)), "")
    return ColumnMap(prompt, answer, _answer_mark(rows, answer), chosen=chosen, rejected=rejected)


def _first_named(table: Table, names: tuple[str, ...], but: str = "") -> str:
    columns = {column.lower(): column for column in reversed(table.columns) if column != but}
    return next((columns[name] for name in names if name in columns), "")


def _all_text(rows: tuple[Mapping[str, Any], ...], column: str) -> bool:
    return bool(rows) and all(isinstance(row.get(column), str) for row in rows)


def _is_numbered_text(rows: tuple[Mapping[str, Any], ...], column: str) -> bool:
    return bool(NUMBERED.fullmatch(column.lower())) and _all_text(rows, column)


def _places_inside(rows: tuple[Mapping[str, Any], ...], column: str) -> list[CompletionPlace]:
    """A completion's place for a column of objects with a text in them, or of lists of texts with a plural name."""
    values = [row.get(column) for row in rows]
    if values and all(is_list_of_texts(value) for value in values):
        return [CompletionPlace(column)] if column.lower().removesuffix("s") in TEXT_NAMES else []
    if not values or not all(isinstance(value, Mapping) for value in values):
        return []
    shared = set.intersection(*(set(value) for value in values if isinstance(value, Mapping)))
    text = next((name for name in TEXT_NAMES if name in shared), "")
    label = next((f"{column}.{name}" for name in LABEL_NAMES if name in shared), "")
    return [CompletionPlace(f"{column}.{text}", label)] if text else []


def _answer_mark(rows: tuple[Mapping[str, Any], ...], answer: str) -> str:
    values = [row.get(answer) for row in rows] if answer else []
    return next((m for m in ANSWER_MARKS if values and all(isinstance(v, str) and m in v for v in values)), "")
