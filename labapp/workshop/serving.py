"""Saved rewards asked over HTTP: sent to the quick worker, whose answer is waited for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from secrets import token_hex
from typing import Any

from django.conf import settings
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

from labapp.workshop import quick
from labapp.workshop.models import RewardVersion

TASK = "merit.serve_reward"
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Scores:
    """One reward a text (None: it does not apply, or failed), the components by name, and the failures by index."""

    rewards: list[float | None]
    parts: Mapping[str, list[float | None]]
    faults: Sequence[Mapping[str, Any]]


class NotScored(Exception):
    """Why there are no scores. `busy` says that the same question may be answered later."""

    def __init__(self, what: str, *, busy: bool) -> None:
        super().__init__(what)
        self.busy = busy


def node_of(version: RewardVersion) -> dict[str, Any]:
    """The reward as a node of a run's document."""
    if version.tree is not None:
        return dict(version.tree)
    return {"kind": "rewards", "name": version.reference, "source": version.source}


def score(version: RewardVersion, texts: Mapping[str, Sequence[Any]], patience: float = PATIENCE) -> Scores:
    """The scores of `texts` (`prompts`, `completions`, further columns). NotScored says why there are none."""
    reply = f"served:{token_hex(16)}"
    asked = quick.ask(TASK, [reply, str(version.reward.team_id), node_of(version), texts], patience)
    if asked.reason:
        raise NotScored(asked.reason, busy=True)
    try:
        with Redis(connection_pool=_pool()) as redis:
            found = redis.blpop([reply], timeout=patience)
    except RedisError as error:
        raise NotScored(f"The answer cannot be read ({type(error).__name__}).", busy=True) from error
    if found is None:
        raise NotScored(f"No worker answered within {patience:g} seconds.", busy=True)
    made = json.loads(found[1])
    if "error" in made:
        raise NotScored(made["error"], busy=False)
    return Scores(**made)


@cache
def _pool() -> ConnectionPool:
    return ConnectionPool.from_url(settings.REDIS_URL)
