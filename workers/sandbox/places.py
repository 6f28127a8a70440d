"""Reads values that stand at places of a completion: a number a token, parts of the text, or lines of it."""

from typing import Any

from workers.contract.answers import Answers
from workers.contract.values import Span
from workers.sandbox.reading import number
from workers.sandbox.records import SandboxFault

LETTERS, LINE = {"start", "end", "value"}, {"step", "value"}


def spans_of(row: Any, answers: Answers, index: int) -> list[Span] | None:
    """The places that the function gave for one completion; None when it gave a value of the whole.

    SandboxFault: a place is not there, a value is none, or there are more or fewer values than tokens.
    """
    if isinstance(row, dict) and _keys(row) in (LETTERS, LINE):
        row = [row]
    if not isinstance(row, list):
        return None
    if any(isinstance(each, dict) and "parts" in each for each in row):
        return [_span(each, answers.texts[index]) for each in row]
    known = len(answers.tokens[index]) if answers.tokens else len(row)
    if row and len(row) != known:
        raise SandboxFault("wrong_count", f"it gave {len(row)} values for the {known} tokens of this completion")
    return [Span(n, n + 1, _sure(value, "the value of a token"), "token") for n, value in enumerate(row)]


def _span(row: Any, text: str) -> Span:
    keys = _keys(row) if isinstance(row, dict) else set()
    if keys not in (LETTERS, LINE):
        raise SandboxFault("wrong_place", "a part of a completion is {'start', 'end', 'value'} or {'step', 'value'}")
    value = _sure(row["parts"]["value"], "the value of a part")
    if keys == LINE:
        return _line(row["parts"]["step"], value, text)
    start, end = _place(row["parts"]["start"], "start"), _place(row["parts"]["end"], "end")
    if not 0 <= start <= end <= len(text):
        raise SandboxFault("wrong_place", f"letters {start} to {end} are not in this text, which has {len(text)}")
    return Span(start, end, value)


def _line(given: Any, value: float, text: str) -> Span:
    step, lines = _place(given, "step"), text.count("\n") + 1
    if not 0 <= step < lines:
        raise SandboxFault("wrong_place", f"step {step} is not there: this text has {lines} (its lines, from 0)")
    return Span(step, step + 1, value, "step")


def _keys(row: dict[str, Any]) -> set[str]:
    parts = row.get("parts")
    return set(parts) if isinstance(parts, dict) else set()


def _place(value: Any, what: str) -> int:
    found = number(value, f"the {what} of a part", "wrong_place")
    if found is None or found != int(found):
        raise SandboxFault("wrong_place", f"the {what} of a part is {found}, which is no whole number")
    return int(found)


def _sure(value: Any, what: str) -> float:
    found = number(value, what)
    if found is None:
        raise SandboxFault("not_a_number", f"{what} is None; give 0.0 where there is nothing to say")
    return found
