"""Judgements of several responses as judges write them: a JSON object of scores by name, and the names best first."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.contract.judging import number_of, without_thought

SCORES, ORDER = "scores", "best-to-worst"
BARE = re.compile(r"([{,]\s*)([A-Za-z0-9_-]+)(\s*:)")
TRAILING = re.compile(r",(\s*[}\]])")


@dataclass(frozen=True)
class Judgement:
    """What was found: which of the two keys were there, the numbers by name, and the names in order. `cut`: only what
    stands between the first and the last brace could be read."""

    keys: frozenset[str] = frozenset()
    scores: Mapping[str, float] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    cut: bool = False


def judgement(text: str) -> Judgement | None:
    """The judgement in a reply, behind its reasoning; None where there is no JSON object that says anything."""
    plain = without_thought(text)
    tries = ((plain, False), (_mended(plain), False), (plain[plain.find("{") : plain.rfind("}") + 1], True))
    for candidate, cut in tries:
        found = _object(candidate)
        if found:
            given, order = found.get(SCORES), found.get(ORDER)
            scores = {name: number_of(value) for name, value in given.items()} if isinstance(given, dict) else {}
            return Judgement(
                frozenset({SCORES, ORDER} & set(found)),
                {name: value for name, value in scores.items() if value is not None},
                tuple(map(str, order)) if isinstance(order, list) else (),
                cut,
            )
    return None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _mended(text: str) -> str:
    """Single quotes for double ones, names without any, and commas before an end: what small models write."""
    return TRAILING.sub(r"\1", BARE.sub(r'\1"\2"\3', text.replace("'", '"')))
