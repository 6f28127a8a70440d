"""What everything that is saved in versions shares: names, messages, and the history with what differs between two."""

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from django.http import Http404, QueryDict

LONGEST_NAME, LONGEST_MESSAGE = 80, 200
CONTEXT = 3  # unchanged lines around a change


class NotSaved(ValueError):
    """Why something was not saved, as a sentence for its author."""


def name_of(text: str, what: str) -> str:
    """The name that somebody gave `what`; NotSaved when it is none."""
    name = _words(text)
    if not name:
        raise NotSaved(f"Give {what} a name.")
    if len(name) > LONGEST_NAME:
        raise NotSaved(f"The name has {len(name)} letters; {LONGEST_NAME} are allowed.")
    return name


def message_of(text: str) -> str:
    """What somebody says has changed, cut to its length."""
    return _words(text)[:LONGEST_MESSAGE]


def _words(text: str) -> str:
    """Words with one blank between them; null characters, which no database text has, are left out."""
    return " ".join(text.replace("\0", "").split())


def history(saved: Mapping[int, Any], asked: QueryDict, as_text: Callable[[Any], str] = str) -> dict[str, Any]:
    """What a history page shows beside its list: the versions compared (`?from=&to=`, by default the newest two of
    what was `saved`, by number) and the lines of both as text. 404 for a version that is not there."""
    newest = sorted(saved, reverse=True)
    to = _number(asked.get("to", ""), saved, newest[0])
    since = _number(asked.get("from", ""), saved, newest[min(1, len(newest) - 1)])
    return {"to": to, "since": since, "lines": diff(as_text(saved[since]), as_text(saved[to]))}


def _number(asked: str, known: Mapping[int, Any], default: int) -> int:
    if not asked:
        return default
    if not asked.isdecimal() or len(asked) > 9 or int(asked) not in known:
        raise Http404
    return int(asked)


def diff(before: str, after: str) -> list[dict[str, object]]:
    """The lines that differ, with a few around them: {kind: same|gone|new|gap, before, after, text}."""
    old, new = before.splitlines(), after.splitlines()
    found: list[dict[str, object]] = []
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    for place, group in enumerate(groups):
        if place or group[0][1]:
            found.append({"kind": "gap", "before": "", "after": "", "text": "…"})
        for tag, a, b, c, d in group:
            found.extend(_lines(tag, old, new, (a, b, c, d)))
    return found


def _lines(tag: str, old: list[str], new: list[str], span: tuple[int, int, int, int]) -> Iterator[dict[str, object]]:
    a, b, c, d = span
    if tag == "equal":
        for at in range(b - a):
            yield {"kind": "same", "before": a + at + 1, "after": c + at + 1, "text": old[a + at]}
        return
    for at in range(a, b):
        yield {"kind": "gone", "before": at + 1, "after": "", "text": old[at]}
    for at in range(c, d):
        yield {"kind": "new", "before": "", "after": at + 1, "text": new[at]}
