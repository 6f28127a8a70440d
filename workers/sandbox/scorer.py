"""Scores completions with users' code: one warm child a source, a new one after a child has ended."""

import time
from dataclasses import dataclass, replace
from typing import Self

from workers.contract.answers import Answers
from workers.sandbox import passing, results
from workers.sandbox.check import read_signature
from workers.sandbox.process import Child
from workers.sandbox.records import Limits, SandboxFault, Scores

MOST_ENDS = 3  # children that one batch may end while it is tried sample by sample


@dataclass(frozen=True)
class _Batch:
    """What is to be scored: answers, the step of the run (0: before the first), how many there are, the time."""

    answers: Answers
    step: int
    steps: int
    seconds: float

    def rows(self, indices: list[int], seconds: float | None = None) -> "_Batch":
        """Some of the answers."""
        return replace(self, answers=self.answers.rows(indices), seconds=self.seconds if seconds is None else seconds)


class Scorer:
    """A user's reward function, ready to score. A context manager; belongs to one thread.

    The child starts at `with`, or at the first call. SandboxFault: the source cannot be used, or fails when loaded;
    SandboxUnavailable: there are no walls here.
    """

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        self.source = source
        self.limits = limits if limits is not None else Limits()
        self.signature = read_signature(source)
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self._warm()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a later call starts another."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def score(self, answers: Answers, timeout: float | None = None, step: int = 0, steps: int = 1) -> Scores:
        """Values of all completions, within about `timeout` seconds (default `limits.seconds`), or twice that when the
        batch fails and is tried again sample by sample. Once the code is loaded, what fails is in `faults`, not raised.
        `step` of `steps` is being made (0: before the first).

        ValueError when the function asks for a column that the answers do not have.
        """
        began = time.monotonic()
        batch = _Batch(answers, step, steps, self.limits.seconds if timeout is None else timeout)
        passing.request(self.signature, answers.rows([]), step, steps)  # a missing column is said before all else
        if not answers.texts:
            return Scores([])
        child = self._warm()
        child.output.clear()
        try:
            scores = self._call(batch)
        except SandboxFault as fault:
            scores = self._apart(batch, fault)
        printed = child.output if self._child in (child, None) else child.output + self._child.output
        return replace(scores, seconds=time.monotonic() - began, output=printed.decode(errors="replace"))

    def _warm(self) -> Child:
        """The child, alive and with processor time left."""
        child = self._child
        if child is not None and child.busy > self.limits.cpu_seconds / 2:
            child.close()
        if child is None or not child.alive:
            child = self._child = Child(self.source, self.signature, self.limits)
        return child

    def _call(self, batch: _Batch) -> Scores:
        request = passing.request(self.signature, batch.answers, batch.step, batch.steps)
        return results.read(self._warm().call(request, batch.seconds), batch.answers, self.signature.form)

    def _apart(self, batch: _Batch, whole: SandboxFault) -> Scores:
        """A batch that failed, sample by sample, to find those that fail; the others keep their scores."""
        count = len(batch.answers.texts)
        if count == 1:
            return Scores([None], faults=[whole.at(0)])
        singles, faults = self._singles(batch, whole)
        if not faults:  # each is fine alone: it is the batch as such that fails
            return Scores([None] * count, faults=[whole])
        sound = sorted(singles)
        if whole.kind in ("raised", "wrong_count") and sound:
            # Values may hang on the rest of the batch (a rank, a mean): what is sound is scored together if it can be.
            try:
                return _spread(self._call(batch.rows(sound)), sound, count, faults)
            except SandboxFault:
                pass
        return _joined(singles, count, faults)

    def _singles(self, batch: _Batch, whole: SandboxFault) -> tuple[dict[int, Scores], list[SandboxFault]]:
        singles: dict[int, Scores] = {}
        faults: list[SandboxFault] = []
        deadline = time.monotonic() + batch.seconds
        ends = 0
        for index in range(len(batch.answers.texts)):
            left = min(self.limits.sample_seconds, deadline - time.monotonic())
            if left <= 0 or ends >= MOST_ENDS:
                what = f"{whole.message}; stopped with its batch, not tried alone"
                faults.append(SandboxFault(whole.kind, what, index, whole.user_line))
                continue
            try:
                singles[index] = self._call(batch.rows([index], left))
            except SandboxFault as fault:
                faults.append(fault.at(index))
                ends += self._child is None or not self._child.alive
        return singles, faults


def _joined(singles: dict[int, Scores], count: int, faults: list[SandboxFault]) -> Scores:
    """Scores of single samples as scores of all."""
    joined = Scores([None] * count, faults=faults)
    for index, single in singles.items():
        joined.values[index] = single.values[0]
        joined.faults.extend(fault.at(index) for fault in single.faults)
        for name, (value,) in single.components.items():
            joined.components.setdefault(name, [None] * count)[index] = value
        if 0 in single.spans:
            joined.spans[index] = single.spans[0]
        if 0 in single.notes:
            joined.notes[index] = single.notes[0]
    joined.faults.sort(key=_place)
    return joined


def _place(fault: SandboxFault) -> int:
    return -1 if fault.sample_index is None else fault.sample_index


def _spread(part: Scores, indices: list[int], count: int, faults: list[SandboxFault]) -> Scores:
    """Scores of some samples as scores of all; the others have None."""

    def spread(values: list[float | None]) -> list[float | None]:
        found: list[float | None] = [None] * count
        for index, value in zip(indices, values, strict=True):
            found[index] = value
        return found

    moved = [fault.at(None if fault.sample_index is None else indices[fault.sample_index]) for fault in part.faults]
    return Scores(
        spread(part.values),
        {name: spread(values) for name, values in part.components.items()},
        sorted([*faults, *moved], key=_place),
        spans={indices[index]: spans for index, spans in part.spans.items()},
        notes={indices[index]: text for index, text in part.notes.items()},
    )
