"""What a run of the team learned, taken as a model elsewhere: `run:<number>` names the run's newest checkpoint."""

from dataclasses import dataclass
from pathlib import Path

from labapp.runs import modelfiles
from labapp.runs.checkpoints import saved, step_of
from labapp.runs.files import checkpoints_directory
from labapp.runs.models import Run
from labapp.runs.run_names import name_of, run_named
from workers.contract.modelnames import OF_RUN, is_of_run


class NotLearned(ValueError):
    """Why `run:<number>` names no model: a sentence that begins small and has no full stop."""


@dataclass(frozen=True)
class Learned:
    """A run's checkpoint on this machine: whose, of which step, where."""

    run: Run
    step: int
    directory: Path


def learned(team: int, name: str) -> list[Learned]:
    """The checkpoints on this machine of the team's run that `run:<number>` names, the newest first; NotLearned where
    there is none that can be read as a model."""
    run = run_named(team, name)
    if run is None:
        raise NotLearned(f"this team has no run {name.removeprefix(OF_RUN)!r}; name one of its runs")
    if run.deleted is not None:
        raise NotLearned(f"the run {run.name} is deleted; bring it back first")
    if run.kind != Run.TRAIN:
        raise NotLearned(f"the run {run.name} is an analysis and learned nothing")
    if run.spec.get("lora") is not None:
        raise NotLearned(f"the run {run.name} learned an adapter, whose checkpoints are no models by themselves")
    found = saved(run.pk)
    if not found and run.checkpoints.exists():
        raise NotLearned(f"no checkpoint of the run {run.name} is on this machine")
    if not found:
        raise NotLearned(f"the run {run.name} has no checkpoint yet; let it come to one first")
    return [Learned(run, step_of(one), one) for one in found]


def directory_of(name: str, team: int) -> Path | None:
    """Where a model lies on this machine; None for one on the hub. NotLearned as `learned` says it, and for a directory
    of a run."""
    if is_of_run(name):
        return learned(team, name)[0].directory
    place = modelfiles.place(name)
    # There lie those of every team: of a number it is known whose run it is, of a path it is not.
    if place is not None and place.resolve().is_relative_to(checkpoints_directory().resolve()):
        raise NotLearned(f"{name} lies among the checkpoints of runs, which are named as {OF_RUN}<number>")
    return place


def may_begin(run: Run) -> bool:
    """Whether another run can begin with what this one learned."""
    try:
        return bool(learned(run.team_id, name_of(run)))
    except NotLearned:
        return False
