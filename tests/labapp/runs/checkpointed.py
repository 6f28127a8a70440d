"""A run of the lab with checkpoints that look like those of the engine: the model's files beside other tensors."""

from typing import Any

from django.utils import timezone

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import launch
from labapp.runs.files import checkpoint_directory
from labapp.runs.guided import guided
from labapp.runs.models import Run
from tests.labapp.runs.test_prechecks import model_in
from workers.contract.spec import to_dict


def checkpointed(team: Team, name: str = "teacher", steps: tuple[int, ...] = (10, 20), **fields: Any) -> Run:
    """A run of the team with a checkpoint of these steps; `fields` of its document are set."""
    document = to_dict(guided(shelf.catalogue())) | {"name": name} | fields
    run = launch.create(team, None, document, "Lessons")
    for step in steps:
        save_checkpoint(run, step)
    return run


def save_checkpoint(run: Run, step: int) -> None:
    """One more, of a model with 96 positions."""
    place = model_in(checkpoint_directory(run.pk) / f"step-{step:06d}")
    (place / "optimiser.safetensors").write_bytes((place / "model.safetensors").read_bytes())
    run.checkpoints.create(step=step, name=place.name, size=1, digest="d", at=timezone.now())
