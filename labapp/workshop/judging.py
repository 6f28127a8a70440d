"""What rewards and their parts say of samples: asked of the quick worker, and read when it is there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.cache import cache

from labapp.accounts.models import Team
from labapp.workshop import quick

TASK = "merit.judge"
PATIENCE = 60  # seconds after which we say that no worker answers
KEPT = 3600
SHOWN = ("prompt", "completion", "label", "answer")


@dataclass(frozen=True)
class Judged:
    """An answer that is `ready`, `waiting` (for so many seconds), or `failed` (with the reason). `made` has for each
    reward `{values, faults, error}` (see workers/door/judged.py), `more` what the asker wanted to be kept with it."""

    state: str
    task: str = ""
    seconds: float = 0.0
    reason: str = ""
    samples: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    more: Mapping[str, Any] = field(default_factory=dict)


def start(
    team: Team,
    documents: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
    stored: Mapping[str, Any],
    **more: Any,
) -> Judged:
    """Ask the quick worker what rewards, as nodes of a run's document, say of `samples`, of which a run may have
    `stored` {lengths, own}; `more` is kept with them."""
    asked = quick.ask(TASK, [list(documents), list(samples), str(team.pk), dict(stored)], PATIENCE)
    if asked.reason:
        return Judged("failed", reason=asked.reason)
    shown = [{name: one.get(name) for name in SHOWN} for one in samples]
    cache.set(_key(team, asked.task), {"since": time.time(), "samples": shown, "more": more}, KEPT)
    return Judged("waiting", asked.task, more=more)


def look(team: Team, task: UUID) -> Judged | None:
    """How far that is; None when the team has asked nothing of that number (any more)."""
    kept = cache.get(_key(team, str(task)))
    if kept is None:
        return None
    found = quick.look(str(task), kept["since"], PATIENCE, "Values", "The worker could not say: {}")
    if found.state == "ready":
        return Judged("ready", str(task), found.seconds, samples=kept["samples"], made=found.made, more=kept["more"])
    return Judged(found.state, str(task), found.seconds, found.reason, more=kept["more"])


def _key(team: Team, task: str) -> str:
    return f"judged:{team.pk}:{task}"
