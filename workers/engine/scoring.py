"""Rewards of a batch: each objective by itself, checked; a reward that fails on one answer spoils that cell only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.contract.finite import is_value
from workers.contract.values import Span, Values
from workers.engine.judges import Objective, sample_of
from workers.engine.masks import on_last_token
from workers.engine.tensors import RewardTable

Column = list[float | None]
Beside = TypeVar("Beside")  # what stands beside a completion's value


@dataclass(frozen=True)
class Scored:
    """A batch's rewards: values and validity by label, the weighted sum of the valid ones (None where none is valid),
    and a trouble event for each reward that failed on some answers. `parts` are the components of each reward by name,
    `spans` say by index where in a completion its value arises, where it is dense; `notes` are texts beside values.
    `out` are completions on which a reward failed that counts: they have no total, for a sum without it would be one
    with 0 for it."""

    values: dict[str, Column]
    total: Column
    troubles: list[Event]
    parts: dict[str, dict[str, Column]] = field(default_factory=dict)
    spans: dict[str, dict[int, tuple[Span, ...]]] = field(default_factory=dict)
    notes: dict[str, dict[int, str]] = field(default_factory=dict)
    out: frozenset[int] = frozenset()

    def joined(self, other: "Scored") -> "Scored":
        """These completions' rewards, and behind them those of others; both know the same labels."""
        here, there = len(self.total), len(other.total)
        parts: dict[str, dict[str, Column]] = {}
        spans = {label: dict(found) for label, found in self.spans.items()}
        notes = {label: dict(found) for label, found in self.notes.items()}
        for label, columns in [*self.parts.items(), *other.parts.items()]:
            for name in columns:
                mine, theirs = (each.parts.get(label, {}).get(name) for each in (self, other))
                parts.setdefault(label, {})[name] = [*(mine or [None] * here), *(theirs or [None] * there)]
        for label, more in other.spans.items():
            spans.setdefault(label, {}).update({here + n: found for n, found in more.items()})
        for label, texts in other.notes.items():
            notes.setdefault(label, {}).update({here + n: text for n, text in texts.items()})
        values = {label: [*column, *other.values[label]] for label, column in self.values.items()}
        out = self.out | {here + n for n in other.out}
        return Scored(values, [*self.total, *other.total], [*self.troubles, *other.troubles], parts, spans, notes, out)

    def rows(self, rows: Sequence[int]) -> "Scored":
        """The rewards of some completions, in this order. Troubles are told of all of them, and stay behind."""

        def picked(column: Column) -> Column:
            return [column[n] for n in rows]

        def moved(by_index: Mapping[int, Beside]) -> dict[int, Beside]:
            return {place: by_index[n] for place, n in enumerate(rows) if n in by_index}

        values = {label: picked(column) for label, column in self.values.items()}
        parts = {label: {name: picked(one) for name, one in columns.items()} for label, columns in self.parts.items()}
        spans = {label: moved(found) for label, found in self.spans.items()}
        notes = {label: moved(found) for label, found in self.notes.items()}
        out = frozenset(place for place, n in enumerate(rows) if n in self.out)
        return Scored(values, picked(self.total), [], parts, spans, notes, out)

    def texts(self) -> dict[str, list[str]]:
        """The notes as columns, of the rewards that left any."""
        count = len(self.total)
        return {label: [found.get(n, "") for n in range(count)] for label, found in self.notes.items() if found}

    def table(self, objectives: Sequence[Objective], mask_NT: Tensor) -> RewardTable:
        """The same as a RewardTable: outcomes on the last chosen token."""
        columns = [[value if value is not None else 0.0 for value in self.values[o.label]] for o in objectives]
        value_NK = torch.tensor(columns, device=mask_NT.device).T
        valid = [[value is not None for value in self.values[o.label]] for o in objectives]
        value_NTK = torch.stack([on_last_token(value_N, mask_NT) for value_N in value_NK.T], dim=-1)
        bounds = torch.tensor([o.bounds for o in objectives])
        return RewardTable(
            tuple(o.label for o in objectives), value_NTK, torch.tensor(valid, device=mask_NT.device).T, bounds
        )


def score(objectives: Sequence[Objective], answers: Answers, step: int, *, part: bool = False) -> Scored:
    """All rewards of a batch. `part` says that the batch is a part of something larger.

    RunError at `reward`, with the offending sample, when a reward gives the wrong count, something that is no number,
    NaN or infinity, or fails on every answer (of a part: it may).
    """
    made, out = Scored({}, [], []), set[int]()
    for objective in objectives:
        judged = objective.judge(answers, step)
        _must_be_useful(objective, judged, answers, step, part=part)
        made.values[objective.label] = _checked(objective, judged, answers, step)
        made.parts[objective.label] = {name: list(column) for name, column in judged.parts.items()}
        made.spans[objective.label] = {
            n: judged.dense(n) for n in judged.spans if judged.dense(n) and judged.total[n] is not None
        }
        made.notes[objective.label] = dict(judged.notes)
        if judged.faults:
            made.troubles.append(_trouble(objective, judged.faults, answers, step))
            out |= judged.faults.keys() if objective.leaves_out else set()
    columns = [(o.weight, made.values[o.label]) for o in objectives]
    return replace(made, total=totals(columns, out, len(answers.texts)), out=frozenset(out))


def totals(columns: Sequence[tuple[float, Column]], out: Collection[int], count: int) -> Column:
    """The weighted sum for each of `count` completions; None for those that are `out`."""
    return [None if n in out else weighted_sum([(weight, one[n]) for weight, one in columns]) for n in range(count)]


def weighted_sum(values: Sequence[tuple[float, float | None]]) -> float | None:
    """The sum of those (weight, value) that apply; None where none does. One without weight is there to be seen: that
    it applies makes no 0 of a completion on which all others fail."""
    found = [(weight, value) for weight, value in values if value is not None]
    counts = any(weight for weight, _ in found) or not any(weight for weight, _ in values)
    return sum(weight * value for weight, value in found) if found and counts else None


def _must_be_useful(objective: Objective, judged: Values, answers: Answers, step: int, *, part: bool) -> None:
    """RunError where the reward failed on every completion, or on any when failures stop the run."""
    count, label = len(answers.texts), objective.label
    stops = objective.on_failure == "stop" and bool(judged.faults)
    if stops or (not part and count and len(judged.faults) == count):
        first = min(judged.faults)
        failed = "all" if len(judged.faults) == count else f"{len(judged.faults)} of"
        what = f"the reward {label!r} failed on {failed} {count} completions: {judged.faults[first]}"
        mend = "The run was asked to stop where this reward fails." if stops else ""
        raise RunError("reward", what, mend, {"step": step, "label": label, **sample_of(answers, first)})


def _checked(objective: Objective, judged: Values, answers: Answers, step: int) -> Column:
    count, label = len(answers.texts), objective.label
    if not isinstance(judged.total, Sequence) or len(judged.total) != count:
        given = len(judged.total) if isinstance(judged.total, Sequence) else f"{judged.total!r:.60}, no list,"
        what = f"the reward {label!r} gave {given} values for {count} completions."
        mend = "Return one number, or None, for each completion, in their order."
        raise RunError("reward", what, mend, {"step": step, "label": label})
    column = [_number(label, value, answers, n, step) for n, value in enumerate(judged.total)]
    if objective.on_failure == "zero":
        column = [0.0 if n in judged.faults else value for n, value in enumerate(column)]
    return column


def _number(label: str, value: Any, answers: Answers, n: int, step: int) -> float | None:
    if value is None:
        return None
    if is_value(value):
        return float(value)
    evidence = {"step": step, "label": label, "value": str(value)[:100], **sample_of(answers, n)}
    what = f"the reward {label!r} gave {value!r:.60}, which is no finite number."
    raise RunError("reward", what, "Return a finite number, or None where the reward does not apply.", evidence)


def _trouble(objective: Objective, faults: Mapping[int, str], answers: Answers, step: int) -> Event:
    first, label = min(faults), objective.label
    what = f"the reward {label!r} failed on {len(faults)} of {len(answers.texts)} completions: {faults[first]}"
    becomes = "have 0 for" if objective.on_failure == "zero" else "have no value for"
    rest = " and are not learned from" if objective.leaves_out else ""
    mend = f"These completions {becomes} this reward{rest}. Look at the one shown."
    evidence = {"step": step, "label": label, "count": len(faults), **sample_of(answers, first)}
    return Event(step, "trouble", {"where": "reward", "what": what, "mend": mend, "evidence": evidence})
