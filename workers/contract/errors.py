"""The vocabulary of failure: where a run went wrong, and a sentence that a person can act on."""

from dataclasses import dataclass, field
from typing import Any

PLACES = (
    "spec", "model", "tokenizer", "data", "sampling", "reward", "credit", "objective",
    "update", "checkpoint", "storage", "memory", "worker", "sandbox",
)  # fmt: skip


@dataclass
class RunError(Exception):
    """A failure with its place (one of PLACES), what happened, how to mend it, and the evidence.

    `evidence` holds JSON values: the step, the sample's index and text, the tensor's name, whatever helps to see it.
    """

    where: str
    what: str
    mend: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.where in PLACES, f"unknown place {self.where!r}"
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """One line: where, what, and what to do."""
        return f"{self.where}: {self.what}" + (f" {self.mend}" if self.mend else "")


@dataclass(frozen=True)
class Trouble:
    """Something wrong in a spec, before anything is queued: the field's path, the sentence, and a fix to offer.

    `fix` maps field paths to values that would mend it, when one is known.
    """

    path: str
    what: str
    fix: dict[str, Any] = field(default_factory=dict)


class Replaced(Exception):
    """This worker's attempt at a run was taken over by another; it must stop quietly."""


class Stopped(Exception):
    """A person asked the run to stop; it stops after the present step with a checkpoint."""
