"""The recipe of a run as its page shows it: the parts in a line, the formulas, and the algorithm that they are from."""

from typing import Any

from labapp import shelf
from labapp.runs.formulas import formulas
from labapp.runs.models import Run
from labapp.workshop import algorithms
from workers.contract.spec import SpecError, from_dict


def recipe_of(run: Run) -> dict[str, Any] | None:
    """`{algorithm, pipeline, companions, pool, formulas}`; None for an analysis, or a document of another version."""
    if run.kind != Run.TRAIN:
        return None
    try:
        spec = from_dict(run.spec)
    except SpecError:
        return None
    catalogue = shelf.catalogue()
    return {
        "algorithm": algorithms.origin(spec, run.team),
        "pipeline": algorithms.pipeline(spec, catalogue),
        "companions": spec.companions,
        "pool": spec.pool,
        "formulas": formulas(spec, catalogue),
    }
