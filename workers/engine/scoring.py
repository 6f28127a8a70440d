"""Rewards of a batch: each objective by itself, checked; a reward that fails on one answer spoils that cell only."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.engine.judges import Judged, Objective, sample_of
from workers.engine.masks import on_last_token
from workers.engine.tensors import RewardTable

Values = list[float | None]


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


def _must_be_useful(label: str, judged: Judged, answers: Answers, step: int, *, part: bool) -> None:
    count = len(answers.texts)
    if not part and len(judged.faults) == count:
        what = f"the reward {label!r} failed on all {count} completions: {judged.faults[0]}"
        raise RunError("reward", what, "", {"step": step, "label": label, **sample_of(answers, 0)})


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
    evidence = {"step": step, "label": label, "value": str(value)[:100], **sample_of(answers, n)}
    what = f"the reward {label!r} gave {value!r:.60}, which is no finite number."
    raise RunError("reward", what, "Return a finite number, or None where the reward does not apply.", evidence)


def _trouble(label: str, faults: dict[int, str], answers: Answers, step: int) -> Event:
    first = min(faults)
    what = f"the reward {label!r} failed on {len(faults)} of {len(answers.texts)} completions: {faults[first]}"
    mend = "These completions do not count for this reward. Look at the one shown."
    evidence = {"step": step, "label": label, "count": len(faults), **sample_of(answers, first)}
    return Event(step, "trouble", {"where": "reward", "what": what, "mend": mend, "evidence": evidence})
