"""Reads what a child answered. Everything in it was chosen by the user's code, so every value is looked at.

A completion's value is a number, None, values at places (see `places.py`), or a dict of components, each of which is
one of these. Without a component `reward` the dict's value is the sum, and arises where its components say; with one,
what that says is the value and where it arises, and the others are looked at only. In the dicts of verl and OpenRLHF
components are numbers alone, as they are there.
"""

from dataclasses import replace
from typing import Any

from workers.contract.answers import Answers
from workers.contract.rewardforms import Form
from workers.contract.values import Span
from workers.sandbox.logged import add_logged
from workers.sandbox.places import spans_of
from workers.sandbox.reading import described, number, parts_of, tame, text_of
from workers.sandbox.records import Limits, SandboxFault, Scores

# The part of a dict that is its value; with `trl` the value is the sum of the parts where that one is not there.
TOTAL: dict[Form, str] = {"trl": "reward", "verl": "score", "openrlhf": "rewards"}


def read(reply: Any, answers: Answers, form: Form = "trl") -> Scores:
    """Scores of all answers, from what `called.py` answered; samples whose value is none are faults. SandboxFault: the
    whole is unusable."""
    said = reply if isinstance(reply, dict) else {}
    count, given = len(answers.texts), said.get("given")
    if isinstance(given, dict) and isinstance(given.get("parts"), dict):
        given = _openrlhf(given["parts"], count) if form == "openrlhf" else _rows(given["parts"], count)
    if not isinstance(given, list):
        raise SandboxFault("wrong_count", f"it must return a list with one value a completion, not {described(given)}")
    if len(given) != count:
        what = f"it gave {len(given)} values for {count} completions: return one for each, None where it does not apply"
        raise SandboxFault("wrong_count", what)
    scores = Scores([None] * count)
    for index, row in enumerate(given):
        try:
            _place(scores, answers, index, row, form)
        except SandboxFault as fault:
            scores.faults.append(fault.at(index))
    add_logged(scores, said, count)
    return scores


def told(fault: Any, limits: Limits) -> SandboxFault:
    """A fault as the child describes it, bounded again."""
    found = fault if isinstance(fault, dict) else {}
    line = found.get("line")
    message, text = str(found.get("message"))[:1000], str(found.get("text", ""))[:4000]
    line = line if isinstance(line, int) else None
    if found.get("kind") == "memory":
        most = f"{limits.memory_bytes >> 20:,} MiB"
        return SandboxFault("memory", f"too big: it wanted more memory than the {most} it may have", None, line, text)
    return SandboxFault("raised", message, None, line, text)


def _rows(parts: dict[str, Any], count: int) -> list[Any]:
    """A dict of lists as one dict a completion."""
    for name, column in parts.items():
        if not isinstance(column, list):
            raise SandboxFault("wrong_count", f"the part {name!r:.60} must be a list with one value a completion")
        if len(column) != count:
            raise SandboxFault("wrong_count", f"the part {name!r:.60} has {len(column)} values for {count} completions")
    return [{"parts": {name: column[index] for name, column in parts.items()}} for index in range(count)]


def _openrlhf(parts: dict[str, Any], count: int) -> list[Any]:
    """`{"rewards", "scores", "extra_logs": {name: list}}` as one dict a completion; numbers may stand in lists of one,
    and a log may be one number for all."""
    if "rewards" not in parts:
        raise SandboxFault("wrong_count", "the dict that it gave has no 'rewards'")
    logs = parts.get("extra_logs")
    named = dict(logs["parts"]) if isinstance(logs, dict) and isinstance(logs.get("parts"), dict) else {}
    named |= {name: parts[name] for name in ("rewards", "scores") if parts.get(name) is not None}
    columns = {name: column if isinstance(column, list) else [column] * count for name, column in named.items()}
    return _rows({name: [_alone(each) for each in column] for name, column in columns.items()}, count)


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _place(scores: Scores, answers: Answers, index: int, row: Any, form: Form) -> None:
    spans = spans_of(row, answers, index)
    if spans is not None:
        scores.spans[index] = spans
        scores.values[index] = sum(span.value for span in spans)
        return
    if not (isinstance(row, dict) and isinstance(row.get("parts"), dict)):
        scores.values[index] = number(row, "the value")
        return
    total = TOTAL[form]
    placed = _placed(row["parts"], answers, index) if form == "trl" else {}
    numbers = row["parts"] | {name: sum(span.value for span in spans) for name, spans in placed.items()}
    # verl keeps anything beside the score (what was parsed, for one): numbers become curves here, texts notes.
    parts = parts_of(numbers, numbers_only=form == "verl")
    for name, text in ((name, text_of(value)) for name, value in row["parts"].items() if form == "verl"):
        if text is not None:
            scores.note(index, tame(name), text)
    for name, part in parts.items():
        scores.components.setdefault(name, [None] * len(scores.values))[index] = part
    there = [part for part in parts.values() if part is not None]
    if total in row["parts"]:
        scores.values[index] = number(numbers[total], f"the part {total!r}")
        placed = {total: placed[total]} if total in placed else {}
    elif form != "trl":
        raise SandboxFault("wrong_count", f"the dict that it gave has no {total!r}")
    else:
        scores.values[index] = sum(there) if there else None
    if placed:
        scores.spans[index] = [replace(span, part=tame(name)) for name, spans in placed.items() for span in spans]


def _placed(parts: dict[str, Any], answers: Answers, index: int) -> dict[str, list[Span]]:
    """The components that say where they arise; SandboxFault with the name of one that says it wrongly."""
    found: dict[str, list[Span]] = {}
    for name, value in parts.items():
        try:
            spans = spans_of(value, answers, index)
        except SandboxFault as fault:
            raise SandboxFault(fault.kind, f"the part {name!r:.60}: {fault.message}") from None
        if spans is not None:
            found[name] = spans
    return found
