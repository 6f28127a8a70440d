"""Completions that go on from a beginning: each as long as the run allows, whatever the others begin with."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.workers.planted import planted
from tests.workers.tiny import save_model, tiny_spec, write_prompts
from workers.contract.answers import CUT_OFF, FINISHED, Problem
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.rollout import sample_on
from workers.engine.step import take_step
from workers.engine.tensors import Candidates, Rollouts, Selection, Wish

MOST = 8  # tokens of a completion in the tiny runs
ENDS = tuple(range(5, 300, 4))


@pytest.fixture(params=["llama", "gpt2"])
def learner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Learner]:
    """A run whose completions never end by themselves; gpt2 has a table of positions, which ends with the 96th."""
    save_model(tmp_path / "model", request.param)
    write_prompts(tmp_path / "prompts.jsonl")
    made = make_learner(tiny_spec(tmp_path, batch_prompts=2, siblings=3), lambda *_: None)
    made.loaded = replace(made.loaded, ends=())
    yield made
    close_all(made.objectives)


def gone_on(learner: Learner, starts: list[list[int]], prompts: list[str] | None = None) -> Rollouts:
    problems = [Problem(prompt) for prompt in prompts or ["the cat 3+1="] * len(starts)]
    return sample_on(learner, problems, starts, torch.Generator().manual_seed(3), 0)


def tokens(rollouts: Rollouts) -> list[list[int]]:
    return [row[here].tolist() for row, here in zip(rollouts.token_NT, rollouts.mask_NT, strict=True)]


def test_each_has_its_own_room(learner: Learner) -> None:
    starts: list[list[int]] = [[], [7, 8, 9, 10, 11, 12, 13], [7, 8, 9], [7, 8, 9, 10, 11, 12, 13, 14]]
    made = gone_on(learner, starts)
    assert made.answers.lengths == (MOST,) * 4
    assert made.answers.ends == (CUT_OFF,) * 4
    assert [row[: len(start)] for row, start in zip(tokens(made), starts, strict=True)] == starts
    assert made.streams["entropy"][made.mask_NT].gt(0).all()


def test_an_end_within_the_room_is_an_end_and_one_behind_it_is_not(learner: Learner) -> None:
    """Every fourth token ends a completion: most of those that have room for one token would end later on."""
    learner.loaded = replace(learner.loaded, ends=ENDS)
    room, done = [6] * (MOST - 1), [7, 9]
    made = gone_on(learner, [[], *[room] * 8, done, [6] * MOST])
    rows = tokens(made)
    assert [len(row) for row in rows[1:]] == [MOST] * 8 + [2, MOST]
    assert rows[9] == done
    assert made.answers.ends == tuple(FINISHED if row[-1] in ENDS else CUT_OFF for row in rows)
    assert CUT_OFF in made.answers.ends[1:9]
    assert not set(ENDS) & {token for row in rows for token in row[:-1]}


def test_a_long_prompt_and_a_wide_room_are_sampled_apart(learner: Learner) -> None:
    """The first fills the model's 96 positions with one more token; the second has room for eight."""
    long = "z" * 88
    assert len(learner.encode([long])[0]) == 88
    made = gone_on(learner, [[7, 8, 9, 10, 11, 12, 13], [], [9]], [long, "the cat", "the dog"])
    assert made.answers.lengths == (MOST,) * 3
    assert made.answers.prompts == (long, "the cat", "the dog")


def test_a_wish_keeps_no_more_than_the_completion_has(learner: Learner) -> None:
    """A row that ended early: what fills it up behind its end is no part of it."""
    learner.loaded = replace(learner.loaded, ends=ENDS)
    kept: list[tuple[int, list[int]]] = []

    def select(candidates: Candidates) -> Selection:
        if candidates.round:
            return Selection(torch.ones(len(candidates.reward_N)))
        lengths = candidates.rollouts.mask_NT.sum(dim=1)
        row = int(lengths.argmin())
        kept.append((int(lengths.max()), tokens(candidates.rollouts)[row]))
        return Selection(wishes=(Wish(int(candidates.rollouts.group_N[row]), copy=row, keep=int(lengths.max())),))

    learner.recipe = replace(learner.recipe, selection=(planted("selection", select),))
    columns = take_step(learner, 1).table.columns
    longest, row = kept[0]
    assert len(row) < longest
    assert (columns["token_ids"][6], columns["end"][6]) == (row, FINISHED)
