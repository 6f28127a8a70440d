"""Helps with prompts that nobody solved: the weakest hint that leads to a success puts it in the place of a failure.

When all completions of a prompt fail, one more is sampled under each of its hints, weak to strong. The first success
replaces a failed completion that is drawn, so that the group has something to compare again; it is trained under the
prompt with the hint, so that learning stays on the policy's own samples. Pick it for prompts beyond the model's reach,
when they bring hints (a column with a list of texts). Groups that no hint helps stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import torch

from workers.contract.card import Card, Choice, Departure, Exhibit, Flag, Real, Source, Text, Whole
from workers.engine.tensors import Candidates, Selection, Wish

CARD = Card(
    title="Scaffolding with hints (Scaf-GRPO)",
    formula=r"\text{if } r_1 = \dots = r_G = 0: \quad y_j \leftarrow y^{(h)}, \quad"
    r" h = \min\{\,l : y^{(l)} \sim \pi(\cdot \mid q \oplus k_l) \text{ is right}\,\}",
    source=Source("Scaf-GRPO", "Scaf-GRPO: Scaffolded Group Relative Policy Optimization for LLM Reasoning"),
    symbols={
        "r_i": "what completion i of prompt q earned",
        "y_j": "a failed completion, drawn",
        "y^{(l)}": "the completion under hint l",
        "k_l": "hint l, from weak to strong",
        "h": "the weakest level that succeeds",
    },
    relatives=("selection/hpt_switch", "selection/dynamic_sampling"),
    doubts="The release leaves its middle tier of hints out although its counters speak of three. Here the ladder is "
    "whatever list the prompts bring.",
    departs=(
        Departure(
            "order does not matter", "which failed completion is replaced is drawn by its place among the failed"
        ),
    ),
    exhibit=Exhibit(
        claim="On sums of four numbers, which the starter model never solves, accuracy stays at nought with GRPO alone "
        "and leaves it with hints; then fewer and fewer prompts need one.",
        watch=("heldout/accuracy", "selection/solved with a hint", "selection/failed"),
        shared={
            "budget.steps": 30,
            "budget.eval_prompts": 128,
            "batch_prompts": 8,
            "prompts.task.params": {"level": 4},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0001,
        },
        variant={"selection": [{"kind": "selection", "name": "scaf_grpo", "params": {"warmup_steps": 6}}]},
        found="The effect does not appear within 30 steps: held-out accuracy 0.005 against 0.006 (GRPO), difference "
        "-0.002 [-0.016, +0.012] over three seeds. Groups without anything to compare fall to 0.02 against "
        "0.94 and 0.93 of prompts are solved with a hint, but the hint needed stays at level 5.5 of 6, all "
        "but the answer: the model learns to finish a solution, not yet to begin one.",
    ),
)

# Rows with a hint carry this and the level, 1 the weakest; the inserted completion under the bare prompt the other.
HINTED, BARE = 200, 300


def select(
    candidates: Candidates,
    generator: torch.Generator,
    *,
    warmup_steps: Annotated[int, Whole(0, 1000), "steps at the start without any hint"] = 50,
    hint_levels: Annotated[int, Whole(1, 12), "how many of a prompt's hints are tried"] = 8,
    replace_num: Annotated[int, Whole(1, 2), "1; or 2: with the hint in its prompt and without"] = 1,
    replace_hint_prompt: Annotated[bool, Flag(), "train the inserted completion under the prompt without hint"] = False,
    search: Annotated[
        str, Choice(("parallel", "sequential")), "all levels at once, or one after the other"
    ] = "parallel",
    solved: Annotated[float, Real(), "a completion is a success when it earned more than this"] = 0.5,
    column: Annotated[str, Text(100), "the prompts' column with their hints, weak to strong"] = "hints",
    between: Annotated[str, Text(200, empty=True), "text between a prompt and its hint"] = "",
) -> Selection:
    """Wishes for hinted completions, then for copies under the bare prompt where asked; then who takes whose place.

    ValueError when the prompts bring no such column, or when it holds no lists.
    """
    hard = list(_hard(candidates, solved)) if candidates.progress.step > warmup_steps else []
    wishes: list[Wish] = []
    for group in hard:
        hints = _hints(candidates, group.ordinary[0], column)[:hint_levels]
        first = candidates.round
        further = (
            range(first, min(first + 1, len(hints))) if search == "sequential" else range(len(hints) * (first == 0))
        )
        if group.winner is None:
            wishes += [group.hinted(candidates, between + hints[level], level + 1) for level in further]
    if wishes:
        return Selection(wishes=tuple(wishes))
    helped = [group for group in hard if group.winner is not None]
    if replace_num == 2 or replace_hint_prompt:
        copies = [Wish(group.number, copy=group.winner[0], tag=BARE) for group in helped if group.winner]
        if copies and not bool((candidates.tag_N == BARE).any()):
            return Selection(wishes=tuple(copies))
    weight_N = (candidates.tag_N < HINTED).float()
    for group in helped:
        place = torch.randperm(len(group.ordinary), generator=generator)[:replace_num]
        weight_N[torch.tensor(group.ordinary)[place]] = 0.0
        weight_N[[*group.inserted(replace_num, replace_hint_prompt)]] = 1.0
    return Selection(weight_N=weight_N, statistics=_funnel(candidates, hard, helped, solved))


@dataclass(frozen=True)
class _Group:
    """A prompt that nobody solved: its ordinary rows, (row, level, success) of those with a hint, and the copy."""

    number: int
    ordinary: list[int]
    levels: list[tuple[int, int, bool]]
    bare: list[int]

    @cached_property
    def winner(self) -> tuple[int, int] | None:
        """(row, level) of the success with the weakest hint, the first of several; None without any."""
        found = sorted((level, row) for row, level, success in self.levels if success)
        return (found[0][1], found[0][0]) if found else None

    def hinted(self, candidates: Candidates, hint: str, level: int) -> Wish:
        """One completion under the prompt and a hint."""
        prompt = candidates.rollouts.answers.prompts[self.ordinary[0]]
        return Wish(self.number, prompt=prompt + hint, tag=HINTED + level)

    def inserted(self, count: int, bare: bool) -> Iterator[int]:
        """The rows that take the places of failed ones."""
        if self.winner is not None and (count == 2 or not bare):
            yield self.winner[0]
        if count == 2 or bare:
            yield from self.bare


def _hard(candidates: Candidates, solved: float) -> Iterator[_Group]:
    """The groups without an ordinary success, in order of their numbers."""
    rows: dict[int, list[int]] = {}
    for row, group in enumerate(candidates.rollouts.group_N.tolist()):
        rows.setdefault(group, []).append(row)
    tags, success = candidates.tag_N.tolist(), (candidates.reward_N > solved).tolist()
    for number in sorted(rows):
        ordinary = [row for row in rows[number] if tags[row] < HINTED]
        if ordinary and not any(success[row] for row in ordinary):
            levels = [(row, tags[row] - HINTED, success[row]) for row in rows[number] if HINTED < tags[row] < BARE]
            yield _Group(number, ordinary, levels, [row for row in rows[number] if tags[row] == BARE])


def _hints(candidates: Candidates, row: int, column: str) -> list[str]:
    hints = candidates.rollouts.answers.columns.get(column, ())
    if not hints:
        known = ", ".join(sorted(candidates.rollouts.answers.columns)) or "none"
        raise ValueError(f"hints are taken from the column {column!r}, but the prompts have: {known}")
    found = hints[row]
    if not (found is None or (isinstance(found, list | tuple) and all(isinstance(one, str) for one in found))):
        raise ValueError(f"the column {column!r} holds {found!r}, and hints are a list of texts")
    return list(found or ())


def _funnel(candidates: Candidates, hard: list[_Group], helped: list[_Group], solved: float) -> dict[str, float]:
    """Shares of prompts: solved alone, solved with a hint, failed; and the mean level of the hints that helped."""
    met = len(torch.unique(candidates.rollouts.group_N))
    failed = len(list(_hard(candidates, solved))) - len(helped)
    found = {
        "solved alone": 1 - (failed + len(helped)) / met,
        "solved with a hint": len(helped) / met,
        "failed": failed / met,
        "asked for hints": len(hard) / met,
    }
    levels = [group.winner[1] for group in helped if group.winner is not None]
    return found | ({"hint level": sum(levels) / len(levels)} if levels else {})
