"""Figures of methods, computed by the quick worker with the method's own code and kept until file or values change."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from labapp.workshop import quick
from workers.contract.method import Method

KEPT = 30 * 24 * 3600  # seconds a figure is kept; its key holds the digest of the method's file
PATIENCE = 30  # seconds after which we say that no worker answers
TASK = "merit.probe"


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
    asked = quick.ask(TASK, [method.kind, method.name, dict(params)], PATIENCE)
    if asked.reason:
        return Probe("failed", reason=asked.reason)
    cache.set(key, {"task": asked.task, "since": time.time()}, PATIENCE * 4)
    return Probe("waiting")


def _look(key: str, task: str, since: float) -> Probe:
    found = quick.look(task, since, PATIENCE, "Figures")
    if found.state == "ready":
        cache.set(key, {"figure": found.made}, KEPT)
    elif found.state == "failed" and found.lasting:
        cache.set(key, {"reason": found.reason}, PATIENCE)
    return Probe(found.state, found.made, found.seconds if found.state == "waiting" else 0.0, found.reason)
