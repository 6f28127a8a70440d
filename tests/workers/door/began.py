"""Tiny runs of the lab that really learned: their checkpoints lie where the lab keeps them."""

from pathlib import Path
from typing import Any

from labapp.runs.files import checkpoint_directory
from labapp.runs.models import Checkpoint, Run
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.spec import Budget, Pick, Prompts, RewardPick, to_dict
from workers.door.sources import train_spec
from workers.engine.run import train

TASK = Prompts(task=Pick("tasks", "arithmetic"))
VOWELS = (RewardPick("vowels", "format", {"pattern": ".*[aeiou].*"}),)  # some have one, some have none


class LabLedger(MemoryLedger):
    """Checkpoints where the lab keeps those of a run."""

    def __init__(self, run: Run, folder: Path) -> None:
        super().__init__(folder)
        self.run = run

    def checkpoints(self) -> str:
        """See `RunLedger.checkpoints`."""
        place = checkpoint_directory(self.run.pk)
        place.mkdir(parents=True, exist_ok=True)
        return str(place)


def another(run: Run, folder: Path, **changes: Any) -> Run:
    """A run of the same team on a tiny model, with a checkpoint at each of two steps when it is trained."""
    made = to_dict(tiny_spec(folder, **{"prompts": TASK, "rewards": VOWELS, "budget": Budget(2, 0, 4, 1)} | changes))
    return Run.objects.create(team=run.team, experiment=run.experiment, name="first", spec=made)


def trained(run: Run, folder: Path) -> LabLedger:
    """What the run tells while it learns (or goes on); its checkpoints have rows, as the real ledger's have."""
    ledger = LabLedger(run, folder)
    train(train_spec(run), ledger, resume=True)
    for event in ledger.kind("checkpoint"):
        Checkpoint.objects.update_or_create(
            run=run, step=event.step, defaults={"name": event.data["name"], "size": 1, "digest": "d", "at": run.created}
        )
    return ledger
