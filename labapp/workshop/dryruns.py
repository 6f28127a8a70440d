"""Dry runs of a reward on samples: asked of the quick worker, kept for a while, and read when they are there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.cache import cache

from labapp.accounts.models import Team
from labapp.workshop import quick

TASK = "merit.dry_run"
PATIENCE = 60  # seconds after which we say that no worker answers
KEPT = 3600
SHOWN = ("prompt", "completion", "label", "answer")  # of a sample on the page


@dataclass(frozen=True)
class Question:
    """What is asked: a reward as a node's document, the node to compare with (None: nothing) and what that one is
    called, the threshold from which a value means right, the share of a run that is done (0 to 1), whether to probe,
    and the tokenizer by which lengths are told ("": letters, or what a run stored of the samples)."""

    node: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    against: str = ""
    threshold: float = 0.5
    share: float = 0.0
    probes: bool = True
    tokenizer: str = ""


@dataclass(frozen=True)
class DryRun:
    """A dry run that is `ready`, `waiting` (for so many seconds), or `failed` (with the reason). `told` is what the
    worker says, see `workers.engine.dryrun`; `against` what was compared with; `no_ids` whether it asks for the ids of
    tokens where nothing cuts texts into tokens, so that it is given None."""

    state: str
    task: str = ""
    seconds: float = 0.0
    reason: str = ""
    samples: Sequence[Mapping[str, Any]] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    against: str = ""
    no_ids: bool = False


def start(
    team: Team, question: Question, samples: Sequence[Mapping[str, Any]], stored: Mapping[str, Any] | None = None
) -> DryRun:
    """Ask the quick worker what the reward does on `samples`, of which a run may have `stored` {lengths, own}."""
    options = {"before": question.before, "threshold": question.threshold, "share": question.share,
               "probes": question.probes, "owner": str(team.pk), "tokenizer": question.tokenizer,
               **(stored or {})}  # fmt: skip
    asked = quick.ask(TASK, [question.node, list(samples), options], PATIENCE)
    if asked.reason:
        return DryRun("failed", reason=asked.reason)
    shown = [{name: one.get(name) for name in SHOWN} for one in samples]
    cuts = question.tokenizer or (stored or {}).get("own")
    kept = {"since": time.time(), "samples": shown, "against": question.against,
            "no_ids": not cuts and "completion_ids" in str(question.node)}  # fmt: skip
    cache.set(_key(team, asked.task), kept, KEPT)
    return DryRun("waiting", asked.task)


def look(team: Team, task: UUID) -> DryRun | None:
    """How far a dry run of this team is; None when the team has none of that number (any more)."""
    kept = cache.get(_key(team, str(task)))
    if kept is None:
        return None
    found = quick.look(str(task), kept["since"], PATIENCE, "Dry runs", "The worker could not try it: {}")
    if found.state == "failed":
        return DryRun("failed", reason=found.reason)
    if found.state == "waiting":
        return DryRun("waiting", str(task), found.seconds)
    return DryRun("ready", str(task), found.seconds, samples=kept["samples"], told=found.made, against=kept["against"],
                  no_ids=kept["no_ids"])  # fmt: skip


def _key(team: Team, task: str) -> str:
    return f"dryrun:{team.pk}:{task}"
