"""Runs with stored completions to look at under the microscope, and where it stands."""

from labapp.runs import files
from labapp.runs.models import Run
from tests.labapp.observatory.stored import add_rollouts
from tests.workers import stored_step

LOOK, NEW = "/workshop/algorithms/microscope/", "/workshop/algorithms/new/"


def stored(run: Run, *steps: int) -> Run:
    """The run with completions at these steps."""
    for step in steps:
        rows = add_rollouts(run, [{}] * 4, step)
        files.save(rows[0].file, stored_step.content(step))
    return run
