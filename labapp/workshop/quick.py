"""Work that somebody on a page waits for: asked of the quick worker, and looked after until it is there."""

import time
from dataclasses import dataclass
from typing import Any

from celery.exceptions import CeleryError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from labapp.celery_app import app

QUEUE = "quick"
# What ends a piece of work from outside, by the name of the failure that then stands for its answer.
ENDS = {
    "TimeLimitExceeded": "it took too long and was stopped.",
    "SoftTimeLimitExceeded": "it took too long and was stopped.",
    "WorkerLostError": "its process ended before it was done. Try again.",
    "TaskRevokedError": "no worker was free in time. Try again.",
}


@dataclass(frozen=True)
class Asked:
    """A task that was sent, or the reason why it could not be."""

    task: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """A task that is `ready` (with what it `made`), `waiting` for so many seconds, or `failed` (with the reason).
    `lasting` is false for a failure that another look may not find again."""

    state: str
    made: Any = None
    seconds: float = 0.0
    reason: str = ""
    lasting: bool = True


def ask(task: str, args: list[Any], patience: float) -> Asked:
    """Send a task to the quick worker; nobody takes it any more after `patience` seconds."""
    try:
        return Asked(app.send_task(task, args, queue=QUEUE, retry=False, expires=patience).id)
    except (OperationalError, RedisError, OSError) as error:
        return Asked(reason=f"The queue cannot be reached ({type(error).__name__}).")


def look(task: str, since: float, patience: float, works: str, fault: str = "{}") -> Answer:
    """How far a task is that was sent at `since`. `works` says in the plural what the worker makes ("Looks"), `fault`
    how its own failure reads."""
    answer = app.AsyncResult(task)
    try:
        state: str = answer.state
        made: Any = answer.result
    except (CeleryError, RedisError, OSError, ValueError) as error:
        return Answer("failed", reason=f"The answer cannot be read ({type(error).__name__}).", lasting=False)
    waited = time.time() - since
    if state == "SUCCESS":
        return Answer("ready", made, waited)
    if state in ("FAILURE", "REVOKED"):
        return Answer("failed", reason=fault.format(ENDS.get(type(made).__name__, made)))
    if waited > patience:
        busy = "it does not run, or is busy with something long, such as a model that has to be fetched"
        reason = f"No worker answered within {patience:g} s. {works} are made by the quick worker: {busy}."
        return Answer("failed", reason=reason, lasting=False)
    return Answer("waiting", seconds=waited)
