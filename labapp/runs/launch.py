"""Every move of a run from one state to another, and nothing else moves one.

A move is a compare-and-set: it changes the row only if the row is still in a state from which the move is allowed
(and, for a worker, still in the worker's attempt), looks at the count of changed rows, and writes its event in the
same transaction. The bell rings, and the worker is asked, after the commit.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from labapp.accounts.models import Team, User
from labapp.celery_app import app
from labapp.runs.models import LIVE, Experiment, Run
from labapp.runs.moves import move, record, write
from labapp.runs.rewind import forget_after, saved_step
from labapp.workshop.uses import refusal_of_model

logger = logging.getLogger("merit.runs")

UNDO = timedelta(days=7)  # how long a deleted run can be brought back
TRIES = 3  # workers that may die on a run without it reaching another checkpoint
TASKS = {Run.TRAIN: ("merit.train", "train"), Run.ANALYSIS: ("merit.analyse", "quick")}
IMPATIENT = {"max_retries": 1, "interval_start": 0.1}  # who launches must not wait for a broker that is away
HELD = ("running", "stopping")  # states in which a worker has the run


class Refused(ValueError):
    """A move that the run's state does not allow; the message is a sentence for the person who asked."""


def create(
    team: Team,
    owner: User | None,
    spec: Mapping[str, Any],
    experiment_name: str,
    kind: str = Run.TRAIN,
    parent: Run | None = None,
) -> Run:
    """A new run in state draft, in the team's experiment of that name, which is made when there is none."""
    assert kind in TASKS, f"unknown kind of run {kind!r}"
    assert parent is None or parent.team_id == team.pk, "a run is cloned within its team"
    name = experiment_name.replace("\0", "").strip()[:120] or "Experiment"  # no text of the database has a null
    with transaction.atomic():
        experiment, _ = Experiment.objects.get_or_create(team=team, name=name)
        run = Run.objects.create(
            team=team, experiment=experiment, owner=owner, parent=parent, kind=kind, spec=dict(spec),
            name=str(spec.get("name") or name)[:120], steps=_steps(spec), last_seq=1,
        )  # fmt: skip
        record(run, [("state", {"state": "draft"})])
    return run


def enqueue(run: Run) -> Run:
    """Let a worker take the run: draft, stopped or failed -> queued. It goes on from its last checkpoint.

    Raises Refused when it is in another state or deleted. When the broker is away the run stays queued, and the
    sweep sends it again.
    """
    moved = move(
        run.pk, ("draft", "stopped", "failed"), "queued", where={"deleted": None},
        queued=timezone.now(), sent=None, ended=None, tries=0, mark=saved_step(run.pk),
    )  # fmt: skip
    if moved is None:
        raise Refused(f"A run that is {_state(run)} cannot be launched.")
    send_after_commit(moved)
    return moved


def take(run_id: UUID | str, worker: str = "", step: int | None = None) -> Run | None:
    """A worker takes a queued run, to go on after `step` (by default that of its newest checkpoint).

    What earlier attempts wrote past that step is forgotten, so that tables agree with the fold. None when the run is
    not queued (any more): the task then ends quietly.
    """
    with transaction.atomic():
        last = saved_step(run_id) if step is None else step
        run = move(
            run_id, ("queued",), "running", where={"deleted": None}, attempt=F("attempt") + 1, worker=worker[:120],
            step=last, beat=Now(), started=Coalesce(F("started"), Now()), ended=None,
        )  # fmt: skip
        if run is not None and run.attempt > 1:
            forget_after(run, last)
    return run


def finish(run: Run) -> bool:
    """The worker of this attempt completed the run. False when it no longer has it."""
    return _end(run, "done") is not None


def fail(run: Run, reason: Mapping[str, Any]) -> bool:
    """The run failed for `reason` {where, what, mend, evidence}. False when this attempt no longer has it."""
    return _end(run, "failed", dict(reason)) is not None


def stopped(run: Run) -> bool:
    """The worker of this attempt stopped the run as it was asked to. False when it no longer has it."""
    return _end(run, "stopped") is not None


def stop(run: Run) -> Run:
    """Ask a run to stop: one that waits is stopped at once, one that runs stops after its step with a checkpoint.

    Raises Refused when it is not live.
    """
    for _ in range(2):  # a worker may take it, or be lost, between the two looks
        moved = move(run.pk, ("queued",), "stopped", ended=timezone.now()) or move(run.pk, ("running",), "stopping")
        if moved is not None:
            return moved
    raise Refused(f"A run that is {_state(run)} cannot be stopped.")


def put_back(run: Run) -> bool:
    """The worker is being shut down and gives the run back in good order; the next one goes on from the checkpoint."""
    moved = move(run.pk, ("running",), "queued", where=_attempt(run), queued=timezone.now(), sent=None, worker="")
    if moved is None:
        return stopped(run)
    send_after_commit(moved)
    return True


def lost(run: Run, how: str) -> Run | None:
    """The worker of `run` (as read) died, `how` in words: queue it again, or fail it after TRIES without progress.

    A run that was to stop is stopped. None when the run has moved on, or its heart beats again.
    """
    if run.state == "stopping":
        return _end(run, "stopped", beat=run.beat)
    saved = saved_step(run.pk)
    tries = 1 if saved > run.mark else run.tries + 1
    reason = _death(run, how, tries, saved)
    if tries >= TRIES:
        return _end(run, "failed", reason, beat=run.beat)
    moved = move(
        run.pk, ("running",), "queued", reason, [("trouble", reason)], where=_attempt(run) | {"beat": run.beat},
        queued=timezone.now(), sent=None, worker="", tries=tries, mark=saved,
    )  # fmt: skip
    if moved is not None:
        send_after_commit(moved)
    return moved


def delete(run: Run) -> None:
    """Hide the run, after asking it to stop if it is live. For UNDO it can be brought back. Refused if hidden, or if
    others take their model from it."""
    used = refusal_of_model(run)
    if used:
        raise Refused(used)
    with transaction.atomic():
        if Run.objects.filter(pk=run.pk, deleted=None, state__in=LIVE).exclude(state="stopping").exists():
            stop(run)
        words = f"Deleted. It can be brought back for {UNDO.days} days."
        if write(run.pk, {"deleted": None}, {"deleted": timezone.now()}, [("note", {"text": words})]) is None:
            raise Refused("This run is deleted already.")


def undelete(run: Run) -> None:
    """Bring a deleted run back, stopped as it is. Raises Refused when it is too late or it was not deleted."""
    where = {"deleted__gt": timezone.now() - UNDO}
    if write(run.pk, where, {"deleted": None}, [("note", {"text": "Brought back."})]) is None:
        raise Refused(f"This run cannot be brought back: it is not deleted, or was so more than {UNDO.days} days ago.")


def send(run_id: UUID, kind: str) -> bool:
    """Ask a worker to take the run. False, and a line in the log, when the broker is away."""
    name, queue = TASKS[kind]
    try:
        with app.connection_for_write(transport_options=IMPATIENT) as connection:
            app.send_task(name, [str(run_id)], queue=queue, ignore_result=True, retry=False, connection=connection)
    except (OperationalError, OSError) as error:
        logger.warning("run %s waits for the broker: %s", run_id, error)
        return False
    Run.objects.filter(pk=run_id, state="queued").update(sent=timezone.now())
    return True


def send_after_commit(run: Run) -> None:
    """Ask a worker to take the run as soon as it can read that it is queued."""
    transaction.on_commit(partial(send, run.pk, run.kind))


def _end(run: Run, target: str, reason: dict[str, Any] | None = None, **where: Any) -> Run | None:
    return move(run.pk, HELD, target, reason, where=_attempt(run) | where, ended=timezone.now(), worker="")


def _attempt(run: Run) -> dict[str, Any]:
    return {"attempt": run.attempt}


def _state(run: Run) -> str:
    row = Run.objects.filter(pk=run.pk).values_list("state", "deleted").first()
    return "gone" if row is None else "deleted" if row[1] is not None else row[0]


def _steps(spec: Mapping[str, Any]) -> int:
    budget = spec.get("budget")
    steps = budget.get("steps", 0) if isinstance(budget, Mapping) else 0
    return steps if isinstance(steps, int) and steps > 0 else 0


def _death(run: Run, how: str, tries: int, saved: int) -> dict[str, Any]:
    """The reason of a run whose worker died."""
    on = f"after step {run.step}" if run.step else "before its first step was done"
    if tries >= TRIES:
        what = f"The worker died {tries} times without reaching another checkpoint, the last time {on} ({how})."
        mend = "Most often memory ran out: choose fewer prompts or shorter completions and resume, or clone the run."
    else:
        what = f"The worker died {on} ({how})."
        mend = f"The run goes on from step {saved}." if saved else "The run starts again."
    return {"where": "worker", "what": what, "mend": mend, "evidence": {"step": run.step, "how": how, "tries": tries}}
