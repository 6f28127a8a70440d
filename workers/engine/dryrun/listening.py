"""Users' code in a dry run: nothing ends it before all is told, each failure is kept with its line."""

from dataclasses import dataclass, field, replace

from workers.contract.answers import Answers
from workers.engine.facilities import Facilities
from workers.sandbox import Limits, SandboxFault, Scorer, Scores

SECONDS = 5.0  # for one function on all samples; somebody waits, and the worker has others to serve


@dataclass
class Listening(Facilities):
    """Helpers whose scorers report what users' code does: its failures, and what it prints."""

    faults: list[SandboxFault] = field(default_factory=list)
    printed: str = ""

    def scorer(self, source: str) -> Scorer:
        """A scorer that reports to this."""
        return _Reporting(source, self)

    def forget(self) -> None:
        """Begin a new report."""
        self.faults, self.printed = [], ""


class _Reporting(Scorer):
    """A run is stopped by a value that is no number; here it is told beside the values of the other samples."""

    def __init__(self, source: str, told: Listening) -> None:
        super().__init__(source, Limits(seconds=SECONDS))
        self._told = told

    def score(self, answers: Answers, timeout: float | None = None, step: int = 0, steps: int = 1) -> Scores:
        scores = super().score(answers, timeout, step, steps)
        self._told.faults.extend(scores.faults)
        self._told.printed += scores.output
        return replace(scores, faults=[_bearable(fault) for fault in scores.faults])


def _bearable(fault: SandboxFault) -> SandboxFault:
    """A failure on one sample as one that a run could go on with."""
    if fault.sample_index is None:
        return fault
    return SandboxFault("raised", fault.message, fault.sample_index, fault.user_line, fault.traceback_text)
