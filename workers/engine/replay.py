"""Counterfactual replay: what another reward says of the completions that a run stored, beside what the run's own said.

Nothing is sampled or learned: a policy that had learned from the other reward would have written other completions.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.rewardnode import Node
from workers.engine.boundary import boundary
from workers.engine.comparing import Floats, Numbers, column
from workers.engine.facilities import Facilities
from workers.engine.judges import Objective, make_judge
from workers.engine.scoring import Column, Scored, score
from workers.engine.stored_answers import answers_of, open_step, rewards_of

SECONDS = 20.0  # after which no further step is begun: somebody waits
MOST = 2048  # completions of one step
ROWS = ("index", "group", "prompt", "completion", "length", "end", "answer", "columns", "verdict", "reward")
UNSTORED = "What a run did not store cannot be replayed: choose another reward, or a run whose prompts have the column."


@dataclass(frozen=True)
class Question:
    """Which reward, called `name`, and in whose place: that of the whole sum, or of the run's reward `instead`, the
    others keeping their `weights` by label. `seed` and `steps` are the run's."""

    name: str
    node: Node
    instead: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    steps: int = 1


@dataclass(frozen=True)
class Replayed:
    """One step, replayed: each completion's place in its file, its group, the run's total and the new one (NaN: none);
    on how many the reward failed, the first of them, and why. `left` completions were too many."""

    step: int
    answers: Answers
    index_N: Numbers
    group_N: Numbers
    old_N: Floats
    new_N: Floats
    failed: int = 0
    first: int = 0
    why: str = ""
    left: int = 0


def replay(steps: Sequence[int], read: Callable[[int], bytes], question: Question) -> tuple[list[Replayed], list[int]]:
    """Each of `steps` under another reward, and those for which the time did not suffice; `read` gives the content of a
    step's file. RunError says why the reward, or a file, cannot be used."""
    made: list[Replayed] = []
    late: list[int] = []
    began = time.monotonic()
    with ExitStack() as stack:
        facilities = Facilities(question.seed, question.steps)
        stack.callback(facilities.close)
        with boundary("reward"):
            judge = make_judge(_as_it_is(question.node), question.name, facilities)
        stack.callback(judge.close)
        objective = Objective(question.name, 1.0, judge.bounds, judge.judge, judge.close)
        for step in steps:
            if made and time.monotonic() - began > SECONDS:
                late.append(step)
                continue
            made.append(_step(step, open_step(read(step), ROWS), objective, question))
    _must_say_something(made)
    return made, late


def _as_it_is(node: Node) -> Node:
    """The reward with its methods as they are now, whatever they were when it was saved."""
    return replace(node, digest="", of=tuple(_as_it_is(child) for child in node.of))


def _step(step: int, table: pa.Table, objective: Objective, question: Question) -> Replayed:
    count = table.num_rows
    table = _whole_groups(table)
    answers = answers_of(table)
    with boundary("reward", step=step):
        scored = score([objective], answers, step, part=True)
    index_N, group_N = (table[name].to_numpy().astype(np.int64) for name in ("index", "group"))
    old, new = table["reward_total"].to_pylist(), _total(table, scored.values[question.name], question)
    failed, first, why = _failure(scored)
    first = int(index_N[first])
    left = count - table.num_rows
    return Replayed(step, answers, index_N, group_N, column(old), column(new), failed, first, why, left)


def _whole_groups(table: pa.Table) -> pa.Table:
    """The table, cut after the last group that fits into what one replay takes; a larger group alone is cut itself."""
    if table.num_rows <= MOST:
        return table
    group_N = table["group"].to_numpy()
    inside = np.flatnonzero(~np.isin(group_N, group_N[MOST:]))
    return table.take(inside[inside < MOST]) if inside.size else table.slice(0, MOST)


def _failure(scored: Scored) -> tuple[int, int, str]:
    for event in scored.troubles:
        evidence = event.data["evidence"]
        return evidence["count"], evidence["index"], event.data["what"]
    return 0, 0, ""


def _total(table: pa.Table, new: Column, question: Question) -> Column:
    """The sum that the run would have had of each completion; None where nothing applies."""
    if not question.instead:
        return new
    stored = rewards_of(table)
    if question.instead not in stored:
        what = f"this step stored no reward {question.instead!r}."
        raise RunError("data", what, "Replay the reward in place of the whole sum.")
    columns = {**stored, question.instead: new}
    return [_sum({label: values[n] for label, values in columns.items()}, question.weights) for n in range(len(new))]


def _sum(values: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    known = [weights.get(label, 1.0) * value for label, value in values.items() if value is not None]
    return sum(known) if known else None


def _must_say_something(made: list[Replayed]) -> None:
    if any(one.failed < len(one.new_N) and not np.isnan(one.new_N).all() for one in made):
        return
    for one in made:
        if one.why:
            mend = UNSTORED if "asks for the column" in one.why else "Mend the reward, or choose another."
            evidence = {"step": one.step, "index": one.first}
            raise RunError("reward", f"step {one.step}: {one.why.rstrip('.')}.", mend, evidence)
    raise RunError("reward", "the reward applies to none of these completions.", "Choose another reward.")
