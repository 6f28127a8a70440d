"""Rewards of a batch: each objective by itself, checked; a reward that fails on one answer spoils that cell only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, Protocol

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.contract.spec import Pick, RewardPick
from workers.engine.boundary import attempt
from workers.engine.masks import on_last_token
from workers.engine.recipe import Part, make_part
from workers.engine.tensors import RewardTable

Values = list[float | None]
UNBOUNDED = (float("-inf"), float("inf"))
BROKEN = ("wrong_count", "not_a_number")  # faults that are the function's, whatever the completion
MEND = "Mend the function (finite numbers or None, one a completion) and save it as a new version."


@dataclass(frozen=True)
class Judged:
    """What one reward said: a value or None for each answer, and the sentence of each failure by index."""

    values: Sequence[Any]
    faults: dict[int, str]


class Judge(Protocol):
    """Scores answers; failures on single answers are values, not exceptions."""

    def __call__(self, answers: Answers) -> Judged:
        """The values, as many as there are answers."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Objective:
    """One reward of a run: its label, weight in the sum, declared range, who judges, and how to end that."""

    label: str
    weight: float
    bounds: tuple[float, float]
    judge: Judge
    close: Callable[[], None] = _nothing


@dataclass(frozen=True)
class Scored:
    """A batch's rewards: values and validity by label, the weighted sum of the valid ones (None where none is valid),
    and a trouble event for each reward that failed on some answers."""

    values: dict[str, Values]
    total: Values
    troubles: list[Event]

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


def make_objectives(picks: Sequence[RewardPick]) -> tuple[Objective, ...]:
    """The rewards of a run; users' code goes to the sandbox."""
    return tuple(_objective(pick) for pick in picks)


def close_all(objectives: Sequence[Objective]) -> None:
    """End the children that run users' code."""
    for objective in objectives:
        objective.close()


def score(objectives: Sequence[Objective], answers: Answers, step: int, *, part: bool = False) -> Scored:
    """All rewards of a batch. `part` says that the batch is a part of something larger.

    RunError at `reward`, with the offending sample, when a reward gives the wrong count, something that is no number,
    NaN or infinity, or fails on every answer (of a part: it may).
    """
    values: dict[str, Values] = {}
    troubles = []
    for objective in objectives:
        judged = objective.judge(answers)
        _must_be_useful(objective.label, judged, answers, step, part=part)
        values[objective.label] = _checked(objective.label, judged, answers, step)
        if judged.faults:
            troubles.append(_trouble(objective.label, judged.faults, answers, step))
    return Scored(values, [_total(objectives, values, n) for n in range(len(answers.texts))], troubles)


def _total(objectives: Sequence[Objective], values: dict[str, Values], n: int) -> float | None:
    found = [(o.weight, value) for o in objectives if (value := values[o.label][n]) is not None]
    return sum(weight * value for weight, value in found) if found else None


def _objective(pick: RewardPick) -> Objective:
    if pick.source:
        return _sandboxed(pick)
    part = make_part(Pick("rewards", pick.name, pick.params, pick.digest))
    return Objective(pick.label, pick.weight, part.loaded.bounds, _method(part))


def _method(part: Part) -> Judge:
    def judge(answers: Answers) -> Judged:
        whole = attempt(lambda: part(answers=answers))
        if not isinstance(whole, Exception):
            return Judged(whole, {})
        return _one_by_one(lambda alone: part(answers=alone), answers)

    return judge


def _one_by_one(call: Callable[[Answers], Any], answers: Answers) -> Judged:
    """A batch on which a reward failed, answer by answer: the sound ones keep their values."""
    values: list[Any] = []
    faults = {}
    for n in range(len(answers.texts)):
        found = attempt(partial(call, _alone(answers, n)))
        if isinstance(found, Exception):
            faults[n] = found.what if isinstance(found, RunError) else f"{type(found).__name__}: {found}"
            values.append(None)
        else:
            values.extend(found)
    return Judged(values, faults)


def _alone(answers: Answers, n: int) -> Answers:
    columns = {name: (column[n],) for name, column in answers.columns.items()}
    verdicts = (answers.verdicts[n],) if answers.verdicts else ()
    return Answers(
        (answers.texts[n],), (answers.prompts[n],), (answers.lengths[n],), (answers.ends[n],), columns, verdicts
    )


def _sandboxed(pick: RewardPick) -> Objective:
    # Imported late: a run without users' code needs no sandbox.
    from workers.sandbox import Scorer

    scorer = Scorer(pick.source)

    def judge(answers: Answers) -> Judged:
        scores = scorer.score(answers)
        faults = {}
        for fault in scores.faults:
            if fault.sample_index is None or fault.kind in BROKEN:
                sample = {} if fault.sample_index is None else _sample(answers, fault.sample_index)
                evidence = {"label": pick.label, **fault.evidence, **sample}
                raise RunError("reward", f"the reward {pick.label!r} cannot be used: {fault.what}", MEND, evidence)
            faults[fault.sample_index] = fault.what
        return Judged(scores.values, faults)

    return Objective(pick.label, pick.weight, UNBOUNDED, judge, scorer.close)


def _must_be_useful(label: str, judged: Judged, answers: Answers, step: int, *, part: bool) -> None:
    count = len(answers.texts)
    if not part and len(judged.faults) == count:
        what = f"the reward {label!r} failed on all {count} completions: {judged.faults[0]}"
        raise RunError("reward", what, "", {"step": step, "label": label, **_sample(answers, 0)})


def _checked(label: str, judged: Judged, answers: Answers, step: int) -> Values:
    count = len(answers.texts)
    if not isinstance(judged.values, Sequence) or len(judged.values) != count:
        given = len(judged.values) if isinstance(judged.values, Sequence) else f"{judged.values!r:.60}, no list,"
        what = f"the reward {label!r} gave {given} values for {count} completions."
        mend = "Return one number, or None, for each completion, in their order."
        raise RunError("reward", what, mend, {"step": step, "label": label})
    return [_number(label, value, answers, n, step) for n, value in enumerate(judged.values)]


def _number(label: str, value: Any, answers: Answers, n: int, step: int) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    evidence = {"step": step, "label": label, "value": str(value)[:100], **_sample(answers, n)}
    what = f"the reward {label!r} gave {value!r:.60}, which is no finite number."
    raise RunError("reward", what, "Return a finite number, or None where the reward does not apply.", evidence)


def _sample(answers: Answers, n: int) -> dict[str, Any]:
    return {"index": n, "prompt": answers.prompts[n][:2000], "completion": answers.texts[n][:2000]}


def _trouble(label: str, faults: dict[int, str], answers: Answers, step: int) -> Event:
    first = min(faults)
    what = f"the reward {label!r} failed on {len(faults)} of {len(answers.texts)} completions: {faults[first]}"
    mend = "These completions do not count for this reward. Look at the one shown."
    evidence = {"step": step, "label": label, "count": len(faults), **_sample(answers, first)}
    return Event(step, "trouble", {"where": "reward", "what": what, "mend": mend, "evidence": evidence})
