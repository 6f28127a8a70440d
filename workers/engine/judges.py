"""Who judges: rewards of the catalogue in this process, users' code in its child; failures on answers are values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.spec import Pick, RewardPick
from workers.engine.boundary import attempt
from workers.engine.recipe import Part, make_part

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


def make_objectives(picks: Sequence[RewardPick]) -> tuple[Objective, ...]:
    """The rewards of a run; users' code goes to the sandbox."""
    return tuple(_objective(pick) for pick in picks)


def close_all(objectives: Sequence[Objective]) -> None:
    """End the children that run users' code."""
    for objective in objectives:
        objective.close()


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
                sample = {} if fault.sample_index is None else sample_of(answers, fault.sample_index)
                evidence = {"label": pick.label, **fault.evidence, **sample}
                raise RunError("reward", f"the reward {pick.label!r} cannot be used: {fault.what}", MEND, evidence)
            faults[fault.sample_index] = fault.what
        return Judged(scores.values, faults)

    return Objective(pick.label, pick.weight, UNBOUNDED, judge, scorer.close)


def sample_of(answers: Answers, n: int) -> dict[str, Any]:
    """One completion as evidence of a failure."""
    return {"index": n, "prompt": answers.prompts[n][:2000], "completion": answers.texts[n][:2000]}
