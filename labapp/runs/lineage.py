"""Whose models a run takes, and who takes its own: what the Config tab links to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labapp import shelf
from labapp.runs.checkpoints import step_of, taken
from labapp.runs.models import Run
from labapp.runs.run_names import name_of, run_named, run_number
from labapp.workshop.uses import runs_of_model
from workers.contract import analysis, spec
from workers.contract.modelnames import is_of_run, runs_named
from workers.contract.spec import SpecError

SHOWN = 20


@dataclass(frozen=True)
class Taken:
    """A model that a run takes: for what, of which run (None: it is gone), and of which step once it has begun."""

    role: str
    source: Run | None
    step: int | None


def lineage(run: Run) -> dict[str, Any]:
    """`{taken, takers}`: the models of other runs in the document of `run`, and the runs that name its own."""
    takers = runs_of_model(name_of(run), run.team_id).filter(deleted=None).exclude(pk=run.pk)
    return {"taken": list(_taken(run)), "takers": takers[:SHOWN]}


def origin(run: Run) -> Run | None:
    """The run with whose model this one begins; None where it begins with another model."""
    model = run.spec.get("model")
    name = model.get("name") if isinstance(model, Mapping) else None
    return run_named(run.team_id, name) if isinstance(name, str) and is_of_run(name) else None


def _taken(run: Run) -> Iterator[Taken]:
    try:
        made = analysis.from_dict(run.spec) if run.kind == Run.ANALYSIS else spec.from_dict(run.spec)
    except SpecError:
        return
    for path, name in runs_named(made, shelf.catalogue()):
        yield Taken(_role(path, made), run_named(run.team_id, name), _step(run, name))


def _role(path: str, made: spec.RunSpec | analysis.AnalysisSpec) -> str:
    part, _, rest = path.partition(".")
    index = rest.partition(".")[0]
    if part == "companions" and isinstance(made, spec.RunSpec):
        return f"the {made.companions[int(index)].role}"
    if part == "rewards":
        return f"the reward {made.rewards[int(index)].label}"
    return "the tokenizer" if part == "tokenizer" else "the model that it began with"


def _step(run: Run, name: str) -> int | None:
    source = run_number(name)
    kept = None if source is None else taken(run.pk, source)
    return None if kept is None else step_of(kept)
