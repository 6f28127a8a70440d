"""Trials of a reward on samples: asked of the quick worker, kept for a while, and read when they are there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any
from uuid import UUID

from django.core.cache import cache

from labapp.accounts.models import Team
from labapp.workshop import quick

TASK = "merit.try_reward"
PATIENCE = 60  # seconds after which we say that no worker answers
KEPT = 3600


@dataclass(frozen=True)
class Trial:
    """A trial that is `ready`, `waiting` (for so many seconds), or `failed` (with the reason)."""

    state: str
    task: str = ""
    seconds: float = 0.0
    reason: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    result: Mapping[str, Any] = field(default_factory=dict)


def start(team: Team, source: str, samples: Sequence[Mapping[str, Any]]) -> Trial:
    """Ask the quick worker to score `samples` with `source`."""
    sent = [{name: value for name, value in one.items() if name != "label"} for one in samples]
    asked = quick.ask(TASK, [source, sent], PATIENCE)
    if asked.reason:
        return Trial("failed", reason=asked.reason)
    shown = [{name: one.get(name) for name in ("prompt", "completion", "label", "answer")} for one in samples]
    cache.set(_key(team, asked.task), {"since": time.time(), "samples": shown}, KEPT)
    return Trial("waiting", asked.task)


def look(team: Team, task: UUID) -> Trial | None:
    """How far a trial of this team is; None when the team has none of that number (any more)."""
    kept = cache.get(_key(team, str(task)))
    if kept is None:
        return None
    found = quick.look(str(task), kept["since"], PATIENCE, "Trials", "The worker could not try it: {}")
    if found.state == "failed":
        return Trial("failed", reason=found.reason)
    if found.state == "waiting":
        return Trial("waiting", str(task), found.seconds)
    rows, result = _rows(kept["samples"], found.made), found.made | _summary(found.made)
    return Trial("ready", str(task), found.seconds, rows=rows, result=result)


def _key(team: Team, task: str) -> str:
    return f"trial:{team.pk}:{task}"


def _rows(samples: Sequence[Mapping[str, Any]], made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each sample with its value, the values of its components in order, and its faults."""
    faults: dict[int, list[Any]] = {}
    for fault in made["faults"]:
        if fault["sample"] is not None:
            faults.setdefault(fault["sample"], []).append(fault)
    parts = list(made["components"].values())
    return [
        {**sample, "number": n + 1, "value": made["values"][n], "parts": [part[n] for part in parts],
         "faults": faults.get(n, [])}
        for n, sample in enumerate(samples)
    ]  # fmt: skip


def _summary(made: Mapping[str, Any]) -> dict[str, Any]:
    values = [value for value in made["values"] if value is not None]
    whole = [fault for fault in made["faults"] if fault["sample"] is None]
    lines = {fault["line"]: fault["sentence"] for fault in reversed(made["faults"]) if fault["line"] is not None}
    return {
        "count": len(values), "none": len(made["values"]) - len(values), "whole": whole,
        "mean": fmean(values) if values else None, "least": min(values, default=None),
        "most": max(values, default=None),
        "marks": [{"line": line, "column": 1, "message": what} for line, what in sorted(lines.items())],
    }  # fmt: skip
