"""What a page gets of a run: a snapshot, and the events after a number. Everything comes from rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from labapp.accounts.access import ALLOWS
from labapp.runs.models import Event, Run
from workers.contract.fold import empty, fold

FIELDS = ("seq", "attempt", "step", "kind", "data", "at")
BATCH = 500  # events in one frame at most


def snapshot(run: Run, role: str | None = None) -> dict[str, Any]:
    """`{view, header}`: the fold of all events so far, and what the page says above it. `role` gives the rights."""
    return {"view": view(run.pk), "header": header(run, role)}


def view(run_id: UUID) -> dict[str, Any]:
    """The fold of all events of a run; `view["seq"]` is the number of the last one."""
    return fold(empty(), _events(run_id, 0, None))


def after(run: Run | UUID, seq: int, limit: int = BATCH) -> list[dict[str, Any]]:
    """The next events with a number above `seq`, in order and without a gap, at most `limit`. One query."""
    return list(_events(run.pk if isinstance(run, Run) else run, seq, limit))


def header(run: Run, role: str | None = None) -> dict[str, Any]:
    """Name, state and times of a run, a summary of its spec, and what `role` may do. Times are ISO 8601."""
    rights = [] if role is None else sorted(ALLOWS[role])
    return {
        "id": str(run.pk), "name": run.name, "kind": run.kind, "state": run.state,
        "reason": run.reason if run.reason is None or "change" in rights else without_trace(run.reason),
        "owner": None if run.owner is None else str(run.owner), "experiment": run.experiment.name,
        "attempt": run.attempt, "step": run.step, "steps": run.steps,
        "created": _iso(run.created), "queued": _iso(run.queued), "started": _iso(run.started),
        "ended": _iso(run.ended), "deleted": _iso(run.deleted),
        "spec": summary(run.spec), "rights": rights,
    }  # fmt: skip


def summary(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a spec that a line of text names; parts that the document does not have are null."""
    prompts = spec.get("prompts") or {}
    task = prompts.get("task") or {}
    rewards = spec.get("rewards") or []
    return {
        "model": (spec.get("model") or {}).get("name"),
        "prompts": task.get("name") or prompts.get("dataset") or prompts.get("path") or None,
        "rewards": [reward.get("label") for reward in rewards],
        **{part: (spec.get(part) or {}).get("name") for part in ("credit", "objective", "reduction")},
        **{name: spec.get(name) for name in ("batch_prompts", "siblings", "max_new_tokens")},
    }


def _events(run_id: UUID, seq: int, limit: int | None) -> Iterator[dict[str, Any]]:
    rows = Event.objects.filter(run_id=run_id, seq__gt=seq).order_by("seq")
    if limit is not None:
        rows = rows[:limit]
    for row in rows.values(*FIELDS).iterator(chunk_size=2000):
        yield {**row, "data": _shown(row["kind"], row["data"]), "at": row["at"].isoformat()}


def _shown(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data of an event without tracebacks: every viewer gets the same text, and not every one may read those."""
    if kind == "state" and data.get("reason"):
        return {**data, "reason": without_trace(data["reason"])}
    return without_trace(data) if kind == "trouble" else data


def without_trace(reason: dict[str, Any]) -> dict[str, Any]:
    """A reason {where, what, mend, evidence} without the traceback in its evidence."""
    evidence = {name: value for name, value in (reason.get("evidence") or {}).items() if name != "traceback"}
    return {**reason, "evidence": evidence}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
