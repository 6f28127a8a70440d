"""Runs over REST: list, read, make, stop, resume, clone, delete, bring back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import P, QueryEx, Router, Status

from labapp import shelf
from labapp.accounts.access import require, scoped
from labapp.accounts.models import Team
from labapp.api.asked import NO_NULL, Limit, Offset, Word, run_of
from labapp.api.auth import caller
from labapp.api.changes import changed
from labapp.api.curves import finite
from labapp.api.errors import Refusal, refused_spec
from labapp.api.run_schemas import Clone, NewRun, RunOut, Runs
from labapp.runs import launch, prechecks
from labapp.runs.digests import with_digests
from labapp.runs.models import STATES, MetricLatest, Run
from workers.contract.spec import RunSpec, SpecError, from_dict, to_dict

router = Router(tags=["runs"])
States = QueryEx[str, P(pattern=NO_NULL, description=f"one of {', '.join(STATES)}")]


@router.get("", response=Runs)
def list_runs(
    request: HttpRequest,
    state: States = "",
    experiment: Word = "",
    deleted: bool = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The team's runs, newest first."""
    require(request, "see")
    rows = _runs(request).filter(deleted__isnull=not deleted)
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(experiment__name=experiment) if experiment else rows
    page = rows.order_by("-created")[offset : offset + limit]
    return {"total": rows.count(), "runs": [_row(run) for run in page]}


@router.post("", response={201: RunOut})
def create_run(request: HttpRequest, body: NewRun) -> Status[dict[str, Any]]:
    """Make a run from its document, and queue it. A document with troubles is refused with all of them."""
    team = require(request, "change")
    return Status(201, _make(request, team, body.spec, body.experiment, body.launch))


@router.get("/{uuid:run_id}", response=RunOut)
def get_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """One run with its document and the newest value of each metric."""
    return _whole(run_of(request, run_id))


@router.post("/{uuid:run_id}/stop", response=RunOut)
def stop_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Ask the run to stop after its present step, with a checkpoint."""
    return _move(request, run_id, launch.stop)


@router.post("/{uuid:run_id}/resume", response=RunOut)
def resume_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Queue a draft, or a stopped or failed run: it goes on from its last checkpoint."""
    return _move(request, run_id, launch.enqueue)


@router.post("/{uuid:run_id}/undelete", response=RunOut)
def undelete_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Bring a deleted run back."""
    return _move(request, run_id, launch.undelete)


@router.delete("/{uuid:run_id}", response=RunOut)
def delete_run(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """Hide the run; for some days it can be brought back."""
    return _move(request, run_id, launch.delete)


@router.post("/{uuid:run_id}/clone", response={201: RunOut})
def clone_run(request: HttpRequest, run_id: UUID, body: Clone) -> Status[dict[str, Any]]:
    """A new run like this one, but for some fields of its document."""
    team = require(request, "change")
    run = run_of(request, run_id)
    if run.kind != Run.TRAIN:
        raise Refusal(422, "run_id", "only trainings can be cloned here", "Start the analysis again from its data set.")
    spec = changed(run.spec, body.changes)
    experiment = run.experiment.name if body.experiment is None else body.experiment
    return Status(201, _make(request, team, spec, experiment, body.launch, run))


def _runs(request: HttpRequest) -> QuerySet[Run]:
    return scoped(Run.objects, request).select_related("experiment", "owner")


def _row(run: Run) -> dict[str, Any]:
    plain = ("id", "name", "kind", "state", "step", "steps", "created", "started", "ended", "deleted")
    named = {"experiment": run.experiment.name, "owner": None if run.owner is None else str(run.owner)}
    return {field: getattr(run, field) for field in plain} | named


def _whole(run: Run) -> dict[str, Any]:
    latest = MetricLatest.objects.filter(run=run).values_list("name", "value")
    more = {"spec": run.spec, "reason": run.reason, "parent": run.parent_id, "last_seq": run.last_seq}
    return _row(run) | more | {"latest": {name: finite(value) for name, value in latest}}


def _move(request: HttpRequest, run_id: UUID, move: Callable[[Run], object]) -> dict[str, Any]:
    """One state change of launch.py; 409 with its sentence when the run's state does not allow it."""
    require(request, "change")
    try:
        move(run_of(request, run_id))
    except launch.Refused as error:
        raise Refusal(409, "state", str(error), "Read the run again to see its state.") from None
    return _whole(run_of(request, run_id))


def _make(
    request: HttpRequest, team: Team, document: dict[str, Any], experiment: str, now: bool, parent: Run | None = None
) -> dict[str, Any]:
    spec = _spec(document)
    catalogue = shelf.catalogue()
    troubles = prechecks.troubles(spec, catalogue, team)
    if troubles:
        raise refused_spec(troubles)
    if now and shelf.worker_differs() is not None:
        mend = "Restart the worker or this server so that both run the same version."
        raise Refusal(409, "worker", "the worker reads other method files than this server", mend)
    run = launch.create(team, caller(request), to_dict(with_digests(spec, catalogue)), experiment, parent=parent)
    if now:
        launch.enqueue(run)
    return _whole(run_of(request, run.id))


def _spec(document: dict[str, Any]) -> RunSpec:
    try:
        return from_dict(document)
    except SpecError as error:
        path, _, what = str(error).partition(": ")
        raise Refusal(422, "spec" if path == "document" else f"spec.{path}", what) from None
