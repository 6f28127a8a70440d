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
from workers.contract.spec import RunSpec
from workers.engine.boundary import boundary
from workers.engine.comparing import Floats, Numbers, column
from workers.engine.facilities import Facilities
from workers.engine.judges import Objective, make_judge
from workers.engine.replay_credit import Exchanged, Sides, by_grpo, by_recipe
from workers.engine.scoring import Column, Scored, score, totals
from workers.engine.stored_answers import answers_of, open_step, rewards_of

SECONDS = 20.0  # after which no further step is begun: somebody waits
MOST = 2048  # completions of one step
ROWS = ("index", "group", "prompt", "completion", "length", "end", "answer", "columns", "verdict", "reward")
UNSTORED = "What a run did not store cannot be replayed: choose another reward, or a run whose prompts have the column."


@dataclass(frozen=True)
class Question:
    """Which reward, called `name`, and in whose place: that of the whole sum, or of the run's reward `instead`, the
    others keeping their `weights` by label. `seed` and `steps` are the run's; `spec` is the run whose recipe gives
    credit (None: there is none). Completions that the reward fails on have 0 where `zero` says so, else they do not
    count."""

    name: str
    node: Node
    instead: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    steps: int = 1
    spec: RunSpec | None = None
    zero: bool = False


@dataclass(frozen=True)
class Replayed:
    """One step, replayed: each completion's place in its file, its group, the run's total and the new one (NaN: none),
    and the advantages that either gives; on how many the reward failed, the first of them, and why. `left` completions
    were too many."""

    step: int
    answers: Answers
    index_N: Numbers
    group_N: Numbers
    old_N: Floats
    new_N: Floats
    sides: Sides
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
        becomes = "zero" if question.zero else "skip"
        objective = Objective(question.name, 1.0, judge.bounds, judge.judge, judge.close, becomes)
        for step in steps:
            if made and time.monotonic() - began > SECONDS:
                late.append(step)
                continue
            made.append(_step(step, open_step(read(step), () if question.spec else ROWS), objective, question))
    _must_say_something(made)
    return _alike(made), late


def _alike(made: list[Replayed]) -> list[Replayed]:
    """All steps by one kind of credit: plain GRPO's where one of them has to do with it."""
    why = next((one.sides.plain for one in made if one.sides.plain), "")
    if not why:
        return made
    return [replace(one, sides=replace(by_grpo(one.old_N, one.new_N, one.group_N), plain=why)) for one in made]


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
    values = scored.values[question.name]
    out = scored.out | _still_out(table, question)
    old_N, new_N = column(table["reward_total"].to_pylist()), column(_total(table, values, out, question))
    other = Exchanged(question.name, values, out, scored.spans[question.name], question.instead)
    sides = _sides(table, question, step, other, by_grpo(old_N, new_N, group_N))
    failed, first, why = _failure(scored)
    first = int(index_N[first])
    return Replayed(step, answers, index_N, group_N, old_N, new_N, sides, failed, first, why, count - table.num_rows)


def _sides(table: pa.Table, question: Question, step: int, other: Exchanged, plain: Sides) -> Sides:
    """The advantages by the run's recipe, or the `plain` ones with the reason."""
    if question.spec is None:
        return plain
    try:
        return by_recipe(table, question.spec, step, other)
    except RunError as error:
        return replace(plain, plain=error.what)


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


def _still_out(table: pa.Table, question: Question) -> frozenset[int]:
    """Completions that have no total because a reward failed on them which stays in the sum."""
    if not question.instead:
        return frozenset()
    one = rewards_of(table).get(question.instead, [])
    totals_N = table["reward_total"].to_pylist()
    return frozenset(n for n, value in enumerate(one) if value is not None and totals_N[n] is None)


def _total(table: pa.Table, new: Column, out: frozenset[int], question: Question) -> Column:
    """The sum that the run would have had of each completion; None where nothing applies, or for one that is `out`."""
    if not question.instead:
        return new
    stored = rewards_of(table)
    if question.instead not in stored:
        what = f"this step stored no reward {question.instead!r}."
        raise RunError("data", what, "Replay the reward in place of the whole sum.")
    columns = [(question.weights.get(label, 1.0), one) for label, one in {**stored, question.instead: new}.items()]
    return totals(columns, out, len(new))


def _must_say_something(made: list[Replayed]) -> None:
    if any(one.failed < len(one.new_N) and not np.isnan(one.new_N).all() for one in made):
        return
    for one in made:
        if one.why:
            mend = UNSTORED if "asks for the column" in one.why else "Mend the reward, or choose another."
            evidence = {"step": one.step, "index": one.first}
            raise RunError("reward", f"step {one.step}: {one.why.rstrip('.')}.", mend, evidence)
    raise RunError("reward", "the reward applies to none of these completions.", "Choose another reward.")
