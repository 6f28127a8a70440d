"""From which step a run goes on, and how what lies past it is forgotten."""

from uuid import UUID

from labapp.runs.models import Checkpoint, MetricLatest, MetricPoint, Run


def saved_step(run_id: UUID | str) -> int:
    """The step of the newest checkpoint, 0 without one."""
    newest = Checkpoint.objects.filter(run_id=run_id).order_by("-step").values_list("step", flat=True).first()
    return newest or 0


def forget_after(run: Run, step: int) -> None:
    """Remove what earlier attempts wrote past `step`: the fold forgets it too."""
    for rows in (run.points, run.latest, run.checkpoints, run.rollouts):
        rows.filter(step__gt=step).delete()
    known = MetricPoint.objects.filter(run=run).order_by("name", "-step").distinct("name")
    MetricLatest.objects.bulk_create(
        (MetricLatest(run=run, name=point.name, step=point.step, value=point.value) for point in known),
        ignore_conflicts=True,
    )
