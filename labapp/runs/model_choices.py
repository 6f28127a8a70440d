"""Which runs a form offers where a model is named: those of the team with a checkpoint that is a model."""

from django.db.models import Max, Q

from labapp.accounts.models import Team
from labapp.runs.models import Run
from labapp.runs.run_names import name_of, run_named

SHOWN = 300  # runs that a choice shows, the newest
WHOLE = Q(spec__lora=None) | Q(spec__lora__isnull=True)  # an adapter's checkpoint is no model by itself
Choices = list[tuple[str, list[tuple[str, str]]]]


def choices(team: Team, chosen: str = "") -> Choices:
    """(experiment, options of a select) of the team's runs with a checkpoint, newest first; what is chosen stands there
    although it is none of them."""
    found: dict[str, list[tuple[str, str]]] = {}
    for run, step in _with_checkpoint(team):
        when = f"{run.created:%d %b %H:%M}"
        found.setdefault(run.experiment.name, []).append((name_of(run), f"{run.name} · step {step} · {when}"))
    if chosen and not any(chosen == name for options in found.values() for name, _ in options):
        other = run_named(team.pk, chosen)
        found.setdefault("Chosen", []).append((chosen, chosen if other is None else other.name))
    return list(found.items())


def _with_checkpoint(team: Team) -> list[tuple[Run, int]]:
    rows = Run.objects.filter(WHOLE, team=team, kind=Run.TRAIN, deleted=None).annotate(saved=Max("checkpoints__step"))
    rows = rows.filter(saved__isnull=False).select_related("experiment").defer("spec", "reason")
    return [(run, int(vars(run)["saved"])) for run in rows.order_by("-created")[:SHOWN]]
