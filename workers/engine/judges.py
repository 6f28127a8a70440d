"""Who judges: rewards of the catalogue in this process, users' code in its child, trees of both; failures on answers
are values."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import Pick, RewardPick
from workers.contract.values import Span, Values, as_values
from workers.engine.boundary import attempt
from workers.engine.facilities import Facilities
from workers.engine.recipe import Part, make_part

FAILING = 8.0  # seconds that completions of one batch may take to fail one by one
UNBOUNDED = (float("-inf"), float("inf"))
BROKEN = ("wrong_count", "not_a_number", "wrong_place")  # faults that are the function's, whatever the completion
MEND = "Mend the function (finite numbers or None, one a completion, at places it has) and save it as a new version."


class Judge(Protocol):
    """Scores answers; failures on single answers are values, not exceptions."""

    def __call__(self, answers: Answers, step: int) -> Values:
        """The values, as many as there are answers, at a step of the run."""


@dataclass(frozen=True)
class Objective:
    """One reward of a run: its label, weight in the sum, declared range, who judges, what becomes of a completion that
    it fails on (`skip`, `zero`, `stop`), and how to end all that."""

    label: str
    weight: float
    bounds: tuple[float, float]
    judge: Judge
    close: Callable[[], None]
    on_failure: str = "skip"

    @property
    def leaves_out(self) -> bool:
        """Whether a completion that it fails on is not learned from. Without weight it is there to be seen only."""
        return self.on_failure == "skip" and self.weight != 0


def make_objectives(picks: Sequence[RewardPick], seed: int = 0, steps: int = 1) -> tuple[Objective, ...]:
    """The rewards of a run; users' code goes to the sandbox."""
    facilities = Facilities(seed, steps)
    return tuple(_objective(pick, facilities) for pick in picks)


def close_all(objectives: Sequence[Objective]) -> None:
    """End the children that run users' code."""
    for objective in objectives:
        objective.close()


def _objective(pick: RewardPick, facilities: Facilities) -> Objective:
    whole = Node(LEAF, pick.name, pick.params, pick.digest, pick.source)
    made = make_judge(whole if pick.tree is None else pick.tree, pick.label, facilities)

    def close() -> None:
        made.close()
        facilities.close()

    return Objective(pick.label, pick.weight, made.bounds, made.judge, close, pick.on_failure)


@dataclass(frozen=True)
class Made:
    """A judge with the range of its values, and how to end its children."""

    judge: Judge
    bounds: tuple[float, float] = UNBOUNDED
    close: Callable[[], None] = lambda: None


def make_judge(node: Node, label: str, facilities: Facilities) -> Made:
    """Who judges by a tree, or by its only leaf; `label` is the reward's name in messages."""
    if node.kind == INNER:
        from workers.engine.composing import composed  # which makes judges of the tree's leaves in turn

        return composed(node, label, facilities)
    if node.source:
        return _sandboxed(node.source, label, facilities)
    part = make_part(Pick(LEAF, node.name, node.params, node.digest))
    return Made(_method(part, facilities), part.loaded.bounds)


def _method(part: Part, facilities: Facilities) -> Judge:
    needs = part.loaded.method.needs

    def call(answers: Answers, step: int) -> Values:
        supplied = facilities.supply(needs, part.address, step, held_out=answers.held_out)
        return as_values(part(answers=answers, groups=answers.group_numbers(), **supplied))

    def judge(answers: Answers, step: int) -> Values:
        whole = attempt(lambda: call(answers, step))
        # Whoever looks at groups cannot score one completion alone; a model that is not there is no completion's fault.
        elsewhere = isinstance(whole, RunError) and whole.where != "reward"
        if isinstance(whole, Exception) and "groups" not in needs and not elsewhere:
            return _one_by_one(lambda alone: call(alone, step), answers)
        if isinstance(whole, Exception):
            return Values([None] * len(answers.texts), faults=dict.fromkeys(range(len(answers.texts)), _told(whole)))
        return whole

    return judge


def _one_by_one(call: Callable[[Answers], Values], answers: Answers) -> Values:
    """A batch on which a reward failed, answer by answer: the sound ones keep their values. Once failing alone has
    taken `FAILING` seconds, the others have failed as the last one did: a pattern that explodes does so on all."""
    totals: list[Any] = []
    parts: dict[str, list[float | None]] = {}
    spans: dict[int, tuple[Span, ...]] = {}
    faults: dict[int, str] = {}
    notes: dict[int, str] = {}
    lost, why = 0.0, Exception()
    for n in range(len(answers.texts)):
        began, tried = time.monotonic(), lost <= FAILING
        found = attempt(partial(call, answers.rows([n]))) if tried else why
        if isinstance(found, Exception):
            lost, why = lost + time.monotonic() - began, found
            faults[n] = _told(found) + ("" if tried else "; not tried alone")
            totals.append(None)
            continue
        totals.extend(found.total)
        faults |= dict.fromkeys([n], found.faults[0]) if 0 in found.faults else {}
        spans |= {n: found.dense(0)} if found.dense(0) else {}
        notes |= {n: found.notes[0]} if 0 in found.notes else {}
        for name, column in found.parts.items():
            parts.setdefault(name, [None] * len(answers.texts))[n] = column[0]
    return Values(totals, parts, spans, faults, notes)


def _told(error: Exception) -> str:
    return error.what if isinstance(error, RunError) else f"{type(error).__name__}: {error}"


def _sandboxed(source: str, label: str, facilities: Facilities) -> Made:
    scorer = facilities.scorer(source)

    def judge(answers: Answers, step: int) -> Values:
        scores = scorer.score(answers, step=step, steps=facilities.steps)
        faults = {}
        for fault in scores.faults:
            if fault.sample_index is None or fault.kind in BROKEN:
                sample = {} if fault.sample_index is None else sample_of(answers, fault.sample_index)
                evidence = {"label": label, **fault.evidence, **sample}
                raise RunError("reward", f"the reward {label!r} cannot be used: {fault.what}", MEND, evidence)
            faults[fault.sample_index] = fault.what
        return Values(scores.values, scores.components, scores.spans, faults, scores.notes)

    return Made(judge, close=scorer.close)


def sample_of(answers: Answers, n: int) -> dict[str, Any]:
    """One completion as evidence of a failure."""
    return {"index": n, "prompt": answers.prompts[n][:2000], "completion": answers.texts[n][:2000]}
