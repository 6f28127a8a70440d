"""A whole run: load or resume, step after step with evaluations and checkpoints, and everything told to the ledger."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event, Ledger
from workers.contract.spec import RunSpec
from workers.engine import checkpoint
from workers.engine.boundary import boundary
from workers.engine.evaluate import evaluate, evaluate_served
from workers.engine.judges import close_all
from workers.engine.launch import launched
from workers.engine.learner import Learner, device, make_learner, threads
from workers.engine.ranks import Ranks
from workers.engine.reporter import Reporter
from workers.engine.scarcity import Meter
from workers.engine.step import Step, take_step

MOST_BROKEN = 3


def train(spec: RunSpec, ledger: Ledger, *, resume: bool = False) -> None:
    """Train from the first step, or from the newest sound checkpoint when `resume` is set and there is one.

    Raises RunError with place and mend for everything that goes wrong, Stopped after a checkpoint when a person asked
    the run to stop, and Replaced when another worker took it over.
    """
    with boundary("worker"):
        torch.set_num_threads(max(1, threads() // spec.devices))
        with launched(spec, ledger.checkpoints(), resume=resume) as ranks:
            train_as(ranks, spec, ledger, resume=resume)


def train_as(ranks: Ranks, spec: RunSpec, ledger: Ledger, *, resume: bool) -> None:
    """What one of the run's processes does; only the first one's ledger is told anything."""
    reporter, meter = Reporter(ledger), Meter()
    learner = make_learner(spec, reporter.progress, ranks)
    try:
        _Run(learner, ledger, reporter, meter).go(resume=resume)
    finally:
        close_all(learner.objectives)


@dataclass
class _Run:
    """One attempt at a run."""

    learner: Learner
    ledger: Ledger
    reporter: Reporter
    meter: Meter
    broken: int = 0
    store_seconds: float = 0.0
    saved: int = -1
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.ledger.checkpoints())

    def go(self, *, resume: bool) -> None:
        """All steps that are left."""
        first = self._begin(resume=resume)
        budget = self.learner.spec.budget
        if first == 0:
            self._finish_step(0, [])
        for number in range(first + 1, budget.steps + 1):
            self._step(number)

    def _begin(self, *, resume: bool) -> int:
        """Say how the run is computed, and restore; the step that is done already."""
        found, told, refused = checkpoint.restore(self.folder, self.learner) if resume else (None, [], [])
        done = found.step if found is not None else 0
        events = [Event(done, "note", {"text": text}) for text in self._notes(done)]
        for sentence in refused:
            data = {"where": "checkpoint", "what": sentence, "mend": "The one before is used.", "evidence": {}}
            events.append(Event(done, "trouble", data))
        self.saved = done
        # Events of the checkpoint's own step: the worker that wrote it may have died before it could tell them.
        events += [Event(done, event["kind"], event["data"]) for event in told]
        if found is not None:
            events.append(Event(done, "checkpoint", found.event()))
        self._tell(done, events)
        return done

    def _notes(self, done: int) -> list[str]:
        spec = self.learner.spec
        parameters = self.learner.policy.model.num_parameters()
        adapted = [] if spec.lora is None else [f"{self._learning():,} of them learn, in an adapter."]
        where = device() if spec.devices == 1 else f"{spec.devices} processes, each on {device()}"
        how = f"{parameters:,} parameters on {where}, {torch.get_num_threads()} threads, {spec.precision}."
        start = [f"Taken up from the checkpoint of step {done}."] if done else []
        return [*start, how, *adapted, *self.learner.loaded.notes]

    def _learning(self) -> int:
        return sum(weight.numel() for weight in self.learner.policy.model.parameters() if weight.requires_grad)

    def _step(self, number: int) -> None:
        start = time.perf_counter()
        made = take_step(self.learner, number)
        made.metrics |= {"seconds/store": self.store_seconds, "skipped": float(made.broken is not None)}
        made.metrics |= self.meter.curves(self.learner, max(map(len, made.table.columns["prompt_ids"])))
        file = self.learner.ranks.first(lambda: self.ledger.save(made.table.name, made.table.content()))
        # Whatever is not sampling, rewards or update is bookkeeping: making the rows as well as storing them.
        self.store_seconds = time.perf_counter() - start - made.metrics["seconds/step"]
        events = [Event(number, "rollouts", made.table.event(file)), *made.troubles]
        self._count_broken(made, number, file, events)
        self._finish_step(number, events, made.metrics)

    def _count_broken(self, made: Step, number: int, file: str, events: list[Event]) -> None:
        """Three skipped updates in a row end the run; the batch that broke it is stored by now."""
        self.broken = 0 if made.broken is None else self.broken + 1
        if made.broken is None or self.broken < MOST_BROKEN:
            return
        self._tell(number, [Event(number, "metrics", {"values": made.metrics}), *events])
        evidence = {"step": number, "tensor": made.broken.tensor, "share": made.broken.share, "file": file}
        what = f"{made.broken}, {MOST_BROKEN} steps in a row."
        raise RunError("update", what, "Lower the learning rate, or resume from an earlier checkpoint.", evidence)

    def _finish_step(self, number: int, events: list[Event], metrics: dict[str, float] | None = None) -> None:
        """Evaluate and save when it is time, then tell everything of the step in one go."""
        values, self.reporter.step = dict(metrics or {}), number
        served = self.learner.spec.served
        if number == 0 and served is not None:
            report = self.reporter.progress
            values |= self.learner.ranks.first(lambda: evaluate_served(self.learner, served, report))
        if self._is_due(number, self.learner.spec.budget.eval_every):
            found, curves = evaluate(self.learner, number, self.reporter.progress)
            events = [*events, *found]
            values |= curves
        if values:
            events = [Event(number, "metrics", {"values": values}), *events]
        every = self.learner.spec.budget.checkpoint_every
        if number and (number == self.learner.spec.budget.steps or (every and number % every == 0)):
            events = [*events, self._save(number, events)]
        start = time.perf_counter()
        self._tell(number, events, last=events)
        self.store_seconds += time.perf_counter() - start

    def _is_due(self, number: int, every: int) -> bool:
        return bool(every) and (number % every == 0 or number == self.learner.spec.budget.steps)

    def _save(self, number: int, events: list[Event]) -> Event:
        told = [{"kind": event.kind, "data": event.data} for event in events]
        held = checkpoint.hold(self.learner)
        saved = self.learner.ranks.first(lambda: checkpoint.save(self.folder, self.learner, number, told, held))
        self.saved = number
        return Event(number, "checkpoint", saved.event())

    def _tell(self, number: int, events: list[Event], last: list[Event] | None = None) -> None:
        """Write events; when a person asked to stop, write a checkpoint of the finished step before giving way."""
        try:
            self.learner.ranks.first(lambda: self._write(events))
        except Stopped:
            if number > 0 and self.saved != number:
                self._last_save(number, last or [])
            raise

    def _write(self, events: list[Event]) -> None:
        self.ledger.write(events)
        if self.reporter.stopped:
            raise Stopped

    def _last_save(self, number: int, events: list[Event]) -> None:
        self.reporter.tell([self._save(number, events)])
