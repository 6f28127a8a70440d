"""Where problems come from: a task without end, or the rows of a file in a seeded order. Held-out ones stay apart."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from workers.contract.answers import Problem
from workers.contract.errors import RunError
from workers.contract.spec import Prompts
from workers.engine import seeds
from workers.engine.boundary import boundary
from workers.engine.facilities import Facilities
from workers.engine.load import settings
from workers.engine.recipe import Part, make_part
from workers.tasks.parts import HELDOUT, TRAIN, draw


class Source(Protocol):
    """Problems of a run; what a step gets follows from the seed and the step alone."""

    def batch(self, step: int, count: int) -> list[Problem]:
        """The training problems of a step (1 is the first)."""

    def more(self, step: int, purpose: str, count: int) -> list[Problem]:
        """Further training problems of a step, drawn for a purpose of its own."""

    def heldout(self, count: int) -> list[Problem]:
        """At most `count` problems that are never trained on: the same ones at every call."""

    def verdicts(self, texts: Sequence[str], problems: Sequence[Problem]) -> list[float | None]:
        """What the task's own verifier says of a text for each problem; None where there is no verifier."""


@dataclass(frozen=True)
class TaskSource:
    """A built-in task: problems are drawn, not stored."""

    task: Part
    seed: int
    facilities: Facilities = field(default_factory=Facilities, compare=False)

    def batch(self, step: int, count: int) -> list[Problem]:
        """See `Source`."""
        return self._draw(seeds.rng(self.seed, "prompts", step), count, TRAIN)

    def more(self, step: int, purpose: str, count: int) -> list[Problem]:
        """See `Source`."""
        return self._draw(seeds.rng(self.seed, f"more prompts, {purpose}", step), count, TRAIN)

    def stock(self, count: int) -> list[Problem]:
        """Training problems that come again and again, the same for every run."""
        return self._draw(seeds.rng(0, "stock"), count, TRAIN)

    def heldout(self, count: int) -> list[Problem]:
        """See `Source`. The seed is not the run's: runs are compared on the same held-out problems."""
        return self._draw(seeds.rng(0, "heldout"), count, HELDOUT)

    def verdicts(self, texts: Sequence[str], problems: Sequence[Problem]) -> list[float | None]:
        """See `Source`. A task whose answers have to be run has a function that verifies many at once."""
        module = self.task.loaded.module
        if hasattr(module, "verdicts"):
            return list(module.verdicts(texts, problems, **self.facilities.supply(("queries",), self.task.address, 0)))
        return [float(module.verify(text, problem)) for text, problem in zip(texts, problems, strict=True)]

    def _draw(self, rng: random.Random, count: int, part: str) -> list[Problem]:
        params = settings(self.task.loaded.method, self.task.params)
        with boundary("data", self.task.address):
            return [draw(self.task.loaded.function, rng, part=part, **params) for _ in range(count)]


class FileSource:
    """Rows of a file, or a stock of a task's problems: every training row once before any comes again, in an order
    that the seed and round decide."""

    def __init__(self, train: list[Problem], held: list[Problem], seed: int, task: TaskSource | None = None) -> None:
        self.train, self.held, self.seed, self.task = train, held, seed, task
        self._lap, self._order = -1, list[int]()

    def batch(self, step: int, count: int) -> list[Problem]:
        """See `Source`."""
        return [self._at(place) for place in range((step - 1) * count, step * count)]

    def more(self, step: int, purpose: str, count: int) -> list[Problem]:
        """See `Source`."""
        return seeds.rng(self.seed, f"more prompts, {purpose}", step).choices(self.train, k=count)

    def heldout(self, count: int) -> list[Problem]:
        """See `Source`."""
        return self.held[:count] if self.task is None else self.task.heldout(count)

    def verdicts(self, texts: Sequence[str], problems: Sequence[Problem]) -> list[float | None]:
        """A file brings no verifier; a stock of a task's problems has the task's."""
        return [None] * len(texts) if self.task is None else self.task.verdicts(texts, problems)

    def _at(self, place: int) -> Problem:
        lap, index = divmod(place, len(self.train))
        if lap != self._lap:
            order = seeds.rng(self.seed, "order", lap).sample(range(len(self.train)), len(self.train))
            self._lap, self._order = lap, order
        return self.train[self._order[index]]


def make_source(prompts: Prompts, seed: int) -> Source:
    """The source that a spec names; RunError at `data` says the line of a row that is none."""
    if prompts.task is not None:
        task = TaskSource(make_part(prompts.task), seed)
        return task if prompts.stock == 0 else FileSource(task.stock(prompts.stock), [], seed, task)
    problems = list(read_problems(Path(prompts.path)))
    # A file of completions repeats its prompts; each is evaluated once.
    apart = {(p.prompt, p.answer): p for p in problems if is_held_out(p.prompt, prompts.heldout_share)}
    held = list(apart.values())
    train = [p for p in problems if not is_held_out(p.prompt, prompts.heldout_share)]
    if not train or not held:
        name, share = ("training", 1 - prompts.heldout_share) if not train else ("held-out", prompts.heldout_share)
        what = f"none of the {len(problems)} prompts falls into the {name} part (a share of {share:g})."
        raise RunError("data", what, "Give more prompts, or another held-out share.")
    return FileSource(train, held, seed)


def is_held_out(prompt: str, share: float) -> bool:
    """Whether a prompt belongs to the held-out part: decided by its text alone, the same on every machine."""
    number = int.from_bytes(blake2b(prompt.encode(), digest_size=8).digest(), "big")
    return number < share * 2**64


def read_problems(path: Path) -> Iterator[Problem]:
    """Problems from JSONL rows of {prompt, answer?, columns?}; RunError at `data` with the line that is none."""
    for line, row in read_rows(path):
        columns = row.get("columns") or {}
        if not isinstance(columns, dict):
            raise RunError("data", f"{path.name}, line {line}: columns must be an object.", "", {"line": line})
        yield Problem(row["prompt"], text_of(row, "answer"), columns)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row) of each row of a JSONL file; each has a `prompt` that is not blank."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError("data", f"{path.name} cannot be read: {error}", "Upload the file again, as UTF-8.") from error
    found = False
    for line, raw in enumerate(text.split("\n"), start=1):
        if raw.strip():
            found = True
            yield line, _row(raw, path.name, line)
    if not found:
        raise RunError("data", f"{path.name} has no rows.", "Give at least one line of JSON.")


def text_of(row: Mapping[str, Any], name: str) -> str:
    """What a row says under `name`, as text; empty where it says nothing. A number is something, 0 as well."""
    said = row.get(name)
    return "" if said is None else str(said)


def _row(raw: str, name: str, line: int) -> dict[str, Any]:
    try:
        row = json.loads(raw)
    except json.JSONDecodeError as error:
        raise RunError("data", f"{name}, line {line}: not JSON ({error.msg}).", "", {"line": line}) from error
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str) or not row["prompt"].strip():
        raise RunError("data", f"{name}, line {line}: a row needs a prompt of text.", "", {"line": line})
    return row
