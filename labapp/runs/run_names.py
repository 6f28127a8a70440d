"""What names a run as a model, `run:<number>`, and the run that such a name names."""

from uuid import UUID

from labapp.runs.models import Run
from workers.contract.modelnames import OF_RUN


def name_of(run: Run) -> str:
    """What names the run's newest checkpoint as a model."""
    return f"{OF_RUN}{run.pk}"


def run_number(name: str) -> UUID | None:
    """The number in `run:<number>`; None for what is no run's number."""
    text = name.removeprefix(OF_RUN)
    try:
        number = UUID(text)
    except ValueError:
        return None
    return number if str(number) == text else None  # one way to write it, by which it is found when a run is deleted


def run_named(team: int, name: str) -> Run | None:
    """The team's run that `run:<number>` names, deleted or not; None where there is none."""
    number = run_number(name)
    return None if number is None else Run.objects.filter(team=team, pk=number).first()
