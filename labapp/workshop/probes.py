"""Figures of methods, computed by the quick worker with the method's own code and kept until file or values change."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery.exceptions import CeleryError
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from labapp.celery_app import app
from workers.contract.method import Method

KEPT = 30 * 24 * 3600  # seconds a figure is kept; its key holds the digest of the method's file
PATIENCE = 30  # seconds after which we say that no worker answers
TASK, QUEUE = "merit.probe", "quick"


@dataclass(frozen=True)
class Probe:
    """A figure that is `ready` (with its JSON), `waiting` (for so many seconds), or `failed` (with the reason)."""

    state: str
    figure: Any = None
    seconds: float = 0.0
    reason: str = ""


def key_of(method: Method, params: Mapping[str, object]) -> str:
    """The cache key: it changes with the method's file and with every parameter."""
    values = json.dumps(dict(params), sort_keys=True)
    return f"probe:{method.address}:{method.digest}:{hashlib.sha256(values.encode()).hexdigest()[:24]}"


def ask(method: Method, params: Mapping[str, object], again: bool = False) -> Probe:
    """The figure as far as it is: from the cache, from a finished task, or asked for now. `again` forgets a failure."""
    key = key_of(method, params)
    kept = None if again else cache.get(key)
    if kept is None:
        return _start(method, params, key)
    if "figure" in kept:
        return Probe("ready", kept["figure"])
    if "reason" in kept:
        return Probe("failed", reason=kept["reason"])
    return _look(key, kept["task"], kept["since"])


def _start(method: Method, params: Mapping[str, object], key: str) -> Probe:
    try:
        sent = app.send_task(TASK, [method.kind, method.name, dict(params)], queue=QUEUE, retry=False, expires=PATIENCE)
    except (OperationalError, RedisError, OSError) as error:
        return Probe("failed", reason=f"The queue cannot be reached ({type(error).__name__}).")
    cache.set(key, {"task": sent.id, "since": time.time()}, PATIENCE * 4)
    return Probe("waiting")


def _look(key: str, task: str, since: float) -> Probe:
    answer = app.AsyncResult(task)
    try:
        state, made = answer.state, answer.result
    except (CeleryError, RedisError, OSError, ValueError) as error:
        return Probe("failed", reason=f"The answer cannot be read ({type(error).__name__}).")
    waited = time.time() - since
    if state == "SUCCESS":
        cache.set(key, {"figure": made}, KEPT)
        return Probe("ready", made)
    if state in ("FAILURE", "REVOKED"):
        cache.set(key, {"reason": str(made)}, PATIENCE)
        return Probe("failed", reason=str(made))
    if waited > PATIENCE:
        return Probe(
            "failed", reason="No worker answered. Figures are made by the quick worker, which seems not to run."
        )
    return Probe("waiting", seconds=waited)
