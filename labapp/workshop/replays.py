"""Counterfactual replay: another reward on a run's stored completions, asked of the quick worker and kept a while."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.core.cache import cache

from labapp.accounts.models import Team
from labapp.observatory.models import Rollout
from labapp.runs.models import Run
from labapp.workshop import quick
from labapp.workshop.replay_choices import OWN, Asked, NotReplayed, costs, picks, reward_of

TASK = "merit.replay"
PATIENCE = 60  # seconds after which we say that no worker answers
KEPT = 3600
MOST = 10  # steps of one replay


@dataclass(frozen=True)
class Replay:
    """A replay that is `ready`, `waiting` (for so many seconds), or `failed` (with the reason). `told` is {title,
    instead, result}: what was replayed, in place of which of the run's rewards, and what the worker found."""

    state: str
    task: str = ""
    seconds: float = 0.0
    reason: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


def start(team: Team, run: Run, asked: Asked, may_change: bool = True) -> Replay:
    """Ask the quick worker; NotReplayed says what is missing. `run` must be one of `team`'s; who may only look does not
    ask judges and services."""
    assert run.team_id == team.pk
    title, node = reward_of(team, run, asked.reward)
    if not may_change and costs(node):
        raise NotReplayed(f"{title} asks a judge, a service or a further model, which viewers do not start.")
    rewards = picks(run)
    if asked.instead and asked.instead not in [one.label for one in rewards]:
        raise NotReplayed(f"This run has no reward {asked.instead!r} that another could stand in for.")
    trained, stands_for = run.kind == Run.TRAIN, asked.instead or asked.reward.removeprefix(OWN)
    question = {
        "name": title, "node": node, "instead": asked.instead, "weights": {one.label: one.weight for one in rewards},
        # In the place of a reward whose failures count as 0, failures do too.
        "zero": any(one.label == stands_for and one.on_failure == "zero" for one in rewards),
        **({"seed": run.spec.get("seed", 0), "steps": max(1, run.steps), "spec": run.spec} if trained else {}),
    }  # fmt: skip
    own = str(run.pk) if asked.reward.startswith(OWN) else ""
    sent = quick.ask(TASK, [steps(run, asked.span), question, str(team.pk), own], PATIENCE)
    if sent.reason:
        return Replay("failed", reason=sent.reason)
    told = {"title": title, "instead": asked.instead, **asdict(asked)}
    cache.set(_key(team, run, sent.task), {"since": time.time(), "told": told}, KEPT)
    return Replay("waiting", sent.task)


def look(team: Team, run: Run, task: UUID) -> Replay | None:
    """How far a replay is; None when this run of the team has none of that number (any more)."""
    kept = cache.get(_key(team, run, str(task)))
    if kept is None:
        return None
    found = quick.look(str(task), kept["since"], PATIENCE, "Replays", "The worker could not replay it: {}")
    if found.state == "ready" and found.made["error"]:
        return Replay("failed", reason=found.made["error"])
    told = kept["told"] | {"result": found.made} if found.state == "ready" else {}
    return Replay(found.state, "" if found.state == "failed" else str(task), found.seconds, found.reason, told)


def steps(run: Run, span: str) -> list[tuple[int, str]]:
    """(step, file) of what is replayed, newest first; NotReplayed where nothing is stored."""
    rows = Rollout.objects.filter(run=run).order_by("-step").values_list("step", "file").distinct()
    found = list(rows[:1] if span == "last" else rows[:MOST] if span == "newest" else rows)
    if not found:
        raise NotReplayed(f"{run.name} has no stored completions yet.")
    return _spread(found) if len(found) > MOST else found


def _spread(rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """As many rows as one replay takes, the first and the last among them."""
    return [rows[round(place * (len(rows) - 1) / (MOST - 1))] for place in range(MOST)]


def _key(team: Team, run: Run, task: str) -> str:
    return f"replay:{team.pk}:{run.pk}:{task}"
