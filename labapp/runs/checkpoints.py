"""Checkpoints as directories of this machine: those that a run saved, and those that it took of others."""

from pathlib import Path
from uuid import UUID

from labapp.runs.files import checkpoint_directory

STEP = "step-"


def saved(run_id: UUID | str) -> list[Path]:
    """The directories of a run's checkpoints, the newest first."""
    return _in(checkpoint_directory(run_id))


def step_of(place: Path) -> int:
    """The step that a directory is named for."""
    return int(place.name.removeprefix(STEP))


def taken_directory(run_id: UUID | str, source: UUID) -> Path:
    """Where a run keeps what it took of the run `source` when it began, under the step's name."""
    return checkpoint_directory(run_id) / "taken" / str(source)


def taken(run_id: UUID | str, source: UUID) -> Path | None:
    """What a run took of the run `source`; None before it began."""
    return next(iter(_in(taken_directory(run_id, source))), None)


def _in(folder: Path) -> list[Path]:
    return sorted(folder.glob(STEP + "[0-9]" * 6), reverse=True)
