"""What happened in a run, over REST: events, curves and rollouts."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import P, QueryEx, Router

from labapp.api.asked import Limit, Offset, run_of
from labapp.api.curves import thinned
from labapp.api.happenings_schemas import Events, Metrics, Rollouts
from labapp.observatory.models import Rollout
from labapp.runs import feed

router = Router(tags=["runs"])
After = QueryEx[int, P(ge=0, description="the number of the last event already seen")]
Most = QueryEx[int, P(ge=1, le=2000, description="events in one answer")]
Names = QueryEx[list[str], P(description="metrics to give; all without it")]
Points = QueryEx[int, P(ge=2, le=5000, description="most points a curve")]


@router.get("/{uuid:run_id}/events", response=Events)
def get_events(
    request: HttpRequest,
    run_id: UUID,
    after: After = 0,
    limit: Most = 500,
) -> dict[str, Any]:
    """What happened after an event's number, in order and without a gap."""
    run = run_of(request, run_id)
    found = feed.after(run, after, limit)
    return {"last_seq": found[-1]["seq"] if found else after, "events": found}


@router.get("/{uuid:run_id}/metrics", response=Metrics)
def get_metrics(
    request: HttpRequest,
    run_id: UUID,
    name: Names = [],  # noqa: B006 (ninja makes a new list for each request)
    points: Points = 500,
) -> dict[str, Any]:
    """Curves, thinned on the server to at most `points` each."""
    return {"metrics": thinned(run_of(request, run_id), name or None, points)}


@router.get("/{uuid:run_id}/rollouts", response=Rollouts)
def list_rollouts(
    request: HttpRequest,
    run_id: UUID,
    step: int | None = None,
    group: int | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The stored completions, by step and index."""
    rows = Rollout.objects.filter(run=run_of(request, run_id))
    rows = rows if step is None else rows.filter(step=step)
    rows = rows if group is None else rows.filter(group=group)
    page = rows.order_by("step", "index")[offset : offset + limit]
    return {"total": rows.count(), "rollouts": list(page)}
