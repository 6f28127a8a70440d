"""Models that stand in documents as `run:<number>`: turned into directories."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labapp import shelf
from labapp.runs.checkpoints import taken
from labapp.runs.learned import Learned, NotLearned, directory_of, learned
from labapp.runs.models import Run
from labapp.runs.run_names import run_number
from workers.contract.errors import RunError
from workers.contract.modelnames import is_of_run, of_node
from workers.contract.rewardnode import Node
from workers.contract.spec import build
from workers.door.linked import keep


def reward_of(document: Mapping[str, Any], owner: str, began: str = "") -> Node:
    """The reward that a document says, for the team with that key: models of runs in its parameters are the directories
    of their newest checkpoints; those of a reward of the run `began` are what that run began with. SpecError where it
    says none, RunError where the team has no such model."""
    node: Node = build(Node, document, "reward")

    def directory(path: str, name: str) -> str:
        if not is_of_run(name):
            return _allowed(name, int(owner or 0))
        return str(_taken(began, name) or _learned(int(owner or 0), name)[0].directory)

    return of_node(node, shelf.catalogue(), directory)


def kept(run: Run, name: str) -> str:
    """The directory of what the run began with, where a name is that of another run: of the newest sound checkpoint,
    which stays with the run from then on. Else the name."""
    if not is_of_run(name):
        return _allowed(name, run.team_id)
    return str(_taken(str(run.pk), name) or keep(run, _sound(_learned(run.team_id, name))))


def _taken(began: str, name: str) -> Path | None:
    """What the run with that number keeps of the named one; None before it began."""
    source = run_number(name)
    return None if source is None or not began else taken(began, source)


def _allowed(name: str, team: int) -> str:
    """The name of a model that is no run's; RunError where it is a directory of a run."""
    with _told():
        directory_of(name, team)
    return name


def _learned(team: int, name: str) -> list[Learned]:
    with _told():
        return learned(team, name)


@contextmanager
def _told() -> Iterator[None]:
    """What is no model for this team, as an error of the engine's kind."""
    try:
        yield
    except NotLearned as error:
        what = str(error)
        raise RunError("model", f"{what[:1].upper()}{what[1:]}.") from None


def _sound(found: list[Learned]) -> Learned:
    # Not before a run begins: the sweep loads this file too.
    from workers.engine.checkpoint import what_is_wrong

    wrong = []
    for one in found:
        problem = what_is_wrong(one.directory)
        if problem is None:
            return one
        wrong.append(f"{one.directory.name} ({problem})")
    what = f"No checkpoint of the run {found[0].run.name} is sound: {'; '.join(wrong)}."
    raise RunError("model", what, "Put back a copy of its checkpoints, or name another run.")
