"""Models that stand in documents as `run:<number>`: turned into directories."""

from collections.abc import Mapping
from typing import Any

from labapp import shelf
from labapp.runs.learned import Learned, NotLearned, learned, run_number, taken_directory
from labapp.runs.models import Run
from workers.contract.errors import RunError
from workers.contract.modelnames import is_of_run, of_node
from workers.contract.rewardnode import Node
from workers.contract.spec import build
from workers.door.linked import keep


def newest(owner: str, name: str) -> str:
    """The directory of the newest checkpoint where a name is that of a run, which the team with the key `owner` must
    have; else the name."""
    return str(_learned(int(owner or 0), name)[0].directory) if is_of_run(name) else name


def reward_of(document: Mapping[str, Any], owner: str) -> Node:
    """The reward that a document says, for the team with that key: models of runs in its parameters are directories.
    SpecError where it says none, RunError where the team has no such model."""
    node: Node = build(Node, document, "reward")
    return of_node(node, shelf.catalogue(), lambda path, name: newest(owner, name))


def kept(run: Run, name: str) -> str:
    """As `newest`, but the checkpoint is the one that the run began with, and a sound one."""
    if not is_of_run(name):
        return name
    source = run_number(name)
    there = () if source is None else taken_directory(run.pk, source).glob("step-" + "[0-9]" * 6)
    found = next(iter(there), None)
    return str(keep(run, _sound(_learned(run.team_id, name))) if found is None else found)


def _learned(team: int, name: str) -> list[Learned]:
    try:
        return learned(team, name)
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
