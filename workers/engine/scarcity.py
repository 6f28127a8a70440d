"""Memory: what a run was expected to take, what it took, and what is said when it did not suffice."""

from contextlib import suppress
from pathlib import Path

import torch

from workers.contract import memory
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.engine.batch import Batch
from workers.engine.learner import Learner
from workers.engine.outcome import Outcome

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK_ANEW = "5"  # what resets the kernel's mark of the highest use, see proc(5)
MEBI = 2**20


def expected(learner: Learner, prompt: int) -> int | None:
    """Bytes that the run should take on this device with prompts of `prompt` tokens; None for a model of unknown
    sizes."""
    try:
        sizes = memory.sizes_of(learner.policy.model.config.to_dict())
    except KeyError:
        return None
    references = int(learner.supply.reference is not None)
    return memory.estimate(sizes, learner.spec, prompt, references=references, critics=int(learner.critic is not None))[
        "total"
    ]


def halved(learner: Learner, batch: Batch, outcome: Outcome) -> list[Event]:
    """What is told when memory ran out in a step's update and the half sufficed."""
    if not outcome.halved:
        return []
    step, now = batch.progress.step, outcome.halved
    what = f"the memory did not suffice in the update; micro-batches have {now} groups from now on."
    mend = f"Set the groups a micro-batch to {now}: but for rounding the numbers stay, and no step is tried twice."
    data = {"where": "memory", "what": what, "mend": mend, "evidence": _evidence(learner, batch, now)}
    return [Event(step, "trouble", data)]


def out_of_memory(learner: Learner, batch: Batch, groups: int) -> RunError:
    """The end of a run whose micro-batches do not fit, with the estimate that was wrong."""
    evidence = _evidence(learner, batch, groups)
    said = evidence["estimate"]
    wrong = "" if said is None else f"; {said / MEBI:,.0f} MiB were expected to be enough in all"
    what = f"the memory did not suffice for micro-batches of {groups} group{'s' if groups > 1 else ''}{wrong}."
    mend = "Take fewer groups a micro-batch, fewer completions a prompt, shorter completions, or a smaller model."
    return RunError("memory", what, mend, evidence)


def _evidence(learner: Learner, batch: Batch, groups: int) -> dict[str, int | None]:
    longest = int(batch.rollouts.prompt_mask_NL.sum(dim=1).max())
    return {"step": batch.progress.step, "groups": groups, "estimate": expected(learner, longest), "used": used()}


class Meter:
    """The most memory that the run has held since this was made, beyond what the process had then: on the device, or
    of the whole process where it computes on a processor."""

    def __init__(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        else:
            with suppress(OSError):  # then the peak is that of the process's whole life
                CLEAR.write_text(PEAK_ANEW)
        self.before = _held("VmRSS")

    def curves(self, learner: Learner, prompt: int) -> dict[str, float]:
        """What was expected with prompts of `prompt` tokens at most, and what was used, MiB."""
        said = expected(learner, prompt)
        found = {} if said is None else {"memory/estimate": said / MEBI}
        return {**found, "memory/peak": max(0, used() - self.before) / MEBI}


def used() -> int:
    """The most bytes that were held at once: on the device, or by the process where it computes on a processor."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else _held("VmHWM")


def _held(name: str) -> int:
    """Bytes that the process holds by one of the kernel's names; 0 where it does not tell."""
    if torch.cuda.is_available():
        return int(torch.cuda.memory_allocated())
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)
