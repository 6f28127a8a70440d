"""Judgements that models write: asked for once more where they cannot be read, and read strictly."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Generic, TypeVar

from workers.contract.services import Chat, Chats, Reply
from workers.contract.tagged import without

T = TypeVar("T")
SHOWN = 500  # characters of a reply in a fault
FENCE = re.compile(r"```(?:json)?")
MARK = re.compile(r"\[\[([^\[\]]*)\]\]")


@dataclass(frozen=True)
class Verdict(Generic[T]):
    """What a judge said: what was read from it (None: nothing, and `fault` says why), and its whole text."""

    value: T | None
    text: str
    fault: str = ""


def judged(
    chats: Chats, questions: Sequence[Chat], reads: Sequence[Callable[[str], T | None]], remind: str
) -> list[Verdict[T]]:
    """A verdict a question, all asked at once. A reply of which its own `reads` makes nothing is answered by `remind`,
    once."""
    first = chats(questions)
    found = {n: reads[n](reply.text) for n, reply in enumerate(first) if not reply.error}
    again = [n for n, value in found.items() if value is None]
    second = dict(zip(again, chats([_reminded(questions[n], first[n], remind) for n in again]), strict=True))
    verdicts = []
    for n, reply in enumerate(first):
        last = second.get(n, reply)
        value = found.get(n) if n not in second else (None if last.error else reads[n](last.text))
        verdicts.append(Verdict(value, last.text, _fault(value, last)))
    return verdicts


def _reminded(question: Chat, reply: Reply, remind: str) -> Chat:
    said = ({"role": "assistant", "content": reply.text}, {"role": "user", "content": remind})
    return replace(question, messages=(*question.messages, *said))


def _fault(value: object, reply: Reply) -> str:
    if reply.error:
        return f"the judge could not be asked: {reply.error}"
    return "" if value is not None else f"the judge's reply cannot be read: {reply.text[:SHOWN]!r}"


def without_thought(text: str) -> str:
    """A reply without what stands between think tags, and without fences."""
    return FENCE.sub("", without(text, "think")).strip()


def marks(text: str, names: Sequence[str], low: float, high: float) -> tuple[float, ...] | None:
    """One number for each of `names`, all within the bounds: the only `[[n, …]]` of a reply, or a reply that is one
    JSON object with these names and no others. None for anything else."""
    plain = without_thought(text)
    found = {match.strip() for match in MARK.findall(plain)}
    if len(found) > 1:
        return None
    given = found.pop().split(",") if found else _object(plain, names)
    numbers = [number_of(one) for one in given]
    if len(numbers) != len(names):
        return None
    sound = [number for number in numbers if number is not None and low <= number <= high]
    return tuple(sound) if len(sound) == len(names) else None


def _object(text: str, names: Sequence[str]) -> list[object]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [given[name] for name in names] if isinstance(given, dict) and set(given) == set(names) else []


def number_of(given: object) -> float | None:
    """A finite number, written as such or as text; None for anything else."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None
