"""Completions that a selection wishes for in the middle of a step: sampled, sampled on, given as text, or copied."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.contract.answers import CUT_OFF, FINISHED, Problem
from workers.contract.errors import RunError
from workers.engine import seeds
from workers.engine.learner import Learner
from workers.engine.rollout import as_rollouts, roll_out, sample_on
from workers.engine.tensors import Progress, Rollouts, Wish

Added = tuple[Rollouts, tuple[Problem, ...], Tensor]
Made = tuple[Rollouts, tuple[Problem, ...]]


@dataclass(frozen=True)
class Round:
    """What there is when wishes are made: all completions so far, their problems, and the round's number. It counts on
    through all selections of a step, so that the dice of no two rounds are the same."""

    rollouts: Rollouts
    problems: tuple[Problem, ...]
    progress: Progress
    number: int

    def problem(self, wish: Wish) -> Problem:
        """The problem of the wish's group, in other words where it says so."""
        rows = (self.rollouts.group_N == wish.group).nonzero()
        assert len(rows), f"a wish for group {wish.group}, which has no completion"
        found = self.problems[int(rows[0])]
        return found if wish.prompt is None else replace(found, prompt=wish.prompt)


def fulfil(learner: Learner, now: Round, wishes: list[Wish]) -> Added:
    """(completions in the order of the wishes' kinds, their problems, their tags). New prompts get new group numbers.

    Wishes of a round are of one kind: RunError otherwise, as rows must stand in the order of the wishes.
    """
    kinds = {_kind(wish) for wish in wishes}
    if len(kinds) > 1:
        raise RunError("sampling", f"a selection mixes wishes ({', '.join(sorted(kinds))}) in one round.", "")
    made = {"new": _new, "sampled": _sampled, "on": _on, "text": _text, "copy": _copied}[kinds.pop()]
    added, theirs = made(learner, now, wishes)
    each = learner.spec.siblings if wishes[0].group < 0 else 1  # a wish for a new prompt brings all its completions
    tag_N = torch.tensor([wish.tag for wish in wishes for _ in range(each)], device=added.group_N.device)
    return added, theirs, tag_N


def _kind(wish: Wish) -> str:
    if wish.group < 0:
        return "new"
    if wish.text is not None:
        return "text"
    return "sampled" if wish.copy < 0 else "on" if wish.keep >= 0 else "copy"


def _new(learner: Learner, now: Round, wishes: list[Wish]) -> Made:
    siblings, count = learner.spec.siblings, len(wishes)
    fresh = learner.source.more(now.progress.step, f"round {now.number}", count)
    noise = seeds.generator(learner.spec.seed, f"sampling, round {now.number}", now.progress.step)
    made = roll_out(learner, fresh, (siblings,) * count, noise, now.rollouts.version)
    made = _in_groups(made, made.group_N + int(now.rollouts.group_N.max()) + 1)
    return made, tuple(problem for problem in fresh for _ in range(siblings))


def _sampled(learner: Learner, now: Round, wishes: list[Wish]) -> Made:
    asked = [now.problem(wish) for wish in wishes]
    noise = seeds.generator(learner.spec.seed, f"wishes, round {now.number}", now.progress.step)
    made = roll_out(learner, asked, (1,) * len(asked), noise, now.rollouts.version)
    return _grouped(made, wishes), tuple(asked)


def _on(learner: Learner, now: Round, wishes: list[Wish]) -> Made:
    asked = [now.problem(wish) for wish in wishes]
    noise = seeds.generator(learner.spec.seed, f"sampled on, round {now.number}", now.progress.step)
    starts = [_tokens(now, wish)[: wish.keep] for wish in wishes]
    return _grouped(sample_on(learner, asked, starts, noise, now.rollouts.version), wishes), tuple(asked)


def _text(learner: Learner, now: Round, wishes: list[Wish]) -> Made:
    asked = [now.problem(wish) for wish in wishes]
    cut = learner.loaded.tokenizer([wish.text or "" for wish in wishes], add_special_tokens=False)["input_ids"]
    most, whole = learner.spec.max_new_tokens, [[*row, *learner.end] for row in cut]
    ends = [FINISHED if len(row) <= most else CUT_OFF for row in whole]
    made = as_rollouts(learner, asked, [row[:most] for row in whole], ends, now.rollouts.version)
    return _grouped(made, wishes), tuple(asked)


def _copied(learner: Learner, now: Round, wishes: list[Wish]) -> Made:
    asked = [now.problem(wish) for wish in wishes]
    ids = [_tokens(now, wish) for wish in wishes]
    ends = [now.rollouts.answers.ends[w.copy] for w in wishes]
    return _grouped(as_rollouts(learner, asked, ids, ends, now.rollouts.version), wishes), tuple(asked)


def _tokens(now: Round, wish: Wish) -> list[int]:
    """The completion that a wish names, without what stands behind it."""
    row = wish.copy
    found: list[int] = now.rollouts.token_NT[row][now.rollouts.mask_NT[row]].tolist()
    return found


def _grouped(made: Rollouts, wishes: list[Wish]) -> Rollouts:
    return _in_groups(made, torch.tensor([wish.group for wish in wishes], device=made.group_N.device))


def _in_groups(made: Rollouts, group_N: Tensor) -> Rollouts:
    return replace(made, group_N=group_N, answers=replace(made.answers, groups=tuple(group_N.tolist())))
