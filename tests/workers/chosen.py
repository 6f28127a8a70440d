"""What selections are tried on: prompts with a past, completions with rewards, and a sampler that fulfils wishes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from workers.contract.answers import FINISHED, Answers
from workers.engine.batch import joined
from workers.engine.load import call, load
from workers.engine.tensors import Ahead, Candidates, Progress, Rollouts, Selection, Wish

PAST = 64
Earn = Callable[[Wish], float]


def ahead(past: Sequence[Sequence[float]], siblings: int, drawn: Sequence[int] | None = None) -> Ahead:
    """Prompts with what their completions earned, newest first; the last visit drew all of it unless `drawn` says."""
    rows = [[*row, *[float("nan")] * (PAST - len(row))] for row in past]
    counts = [len(row) for row in past] if drawn is None else list(drawn)
    return Ahead(torch.tensor(rows), torch.tensor(counts), siblings)


def candidates(
    rewards: Sequence[float],
    groups: Sequence[int],
    mask_NT: Tensor | None = None,
    columns: dict[str, tuple[object, ...]] | None = None,
    ends: Sequence[str] = (),
) -> Candidates:
    """Ordinary completions of two tokens (or by the mask) at step 3 of 10; right when they earned more than 0.5."""
    count = len(rewards)
    mask_NT = torch.ones((count, 2), dtype=torch.bool) if mask_NT is None else mask_NT
    rollouts = Rollouts(
        prompt_NL=torch.ones((count, 2), dtype=torch.long),
        prompt_mask_NL=torch.ones((count, 2), dtype=torch.bool),
        token_NT=torch.arange(mask_NT.numel()).reshape(mask_NT.shape),
        mask_NT=mask_NT,
        logp_NT=torch.full(mask_NT.shape, -0.5),
        group_N=torch.tensor(groups),
        answers=Answers(
            texts=tuple(f"row {row}" for row in range(count)),
            prompts=tuple(f"problem {group}=" for group in groups),
            lengths=tuple(mask_NT.sum(dim=1).tolist()),
            ends=tuple(ends) or (FINISHED,) * count,
            columns=columns or {},
            verdicts=tuple(float(reward > 0.5) for reward in rewards),
        ),
    )
    return Candidates(rollouts, torch.tensor(rewards, dtype=torch.float32), torch.full((count,), -1), Progress(3, 10))


def credited(
    advantage_NT: Tensor, entropy_NT: Tensor, groups: Sequence[int] | None = None, mask_NT: Tensor | None = None
) -> Candidates:
    """Completions whose credit is known."""
    count = len(advantage_NT)
    mask_NT = torch.ones(advantage_NT.shape, dtype=torch.bool) if mask_NT is None else mask_NT
    made = candidates([0.0] * count, groups or [0] * count, mask_NT)
    rollouts = replace(made.rollouts, streams={"entropy": entropy_NT})
    return replace(made, rollouts=rollouts, advantage_NT=advantage_NT)


def at(made: Candidates, step: int, steps: int) -> Candidates:
    """The same completions at another step."""
    return replace(made, progress=Progress(step, steps))


def fulfilled(made: Candidates, wishes: Sequence[Wish], earn: Earn, siblings: int = 4) -> Candidates:
    """The completions with those that were wished for behind; `earn` says what each earns. A wish for a new prompt
    brings as many completions as a prompt has."""
    first = int(made.rollouts.group_N.max()) + 1
    rows: list[tuple[Wish, int]] = []
    for wish in wishes:
        if wish.group >= 0:
            rows.append((wish, wish.group))
        else:
            rows += [(wish, first)] * siblings
            first += 1
    names = made.rollouts.answers.columns
    groups = made.rollouts.group_N.tolist()
    columns: dict[str, tuple[object, ...]] = {
        name: tuple(names[name][groups.index(group)] if group in groups else None for _, group in rows)
        for name in names
    }
    added = candidates([earn(wish) for wish, _ in rows], [group for _, group in rows], columns=columns)
    return Candidates(
        joined(made.rollouts, added.rollouts),
        torch.cat([made.reward_N, added.reward_N]),
        torch.cat([made.tag_N, torch.tensor([wish.tag for wish, _ in rows])]),
        made.progress,
        made.round + 1,
    )


def select(name: str, params: dict[str, object] | None = None, seed: int = 0, **given: object) -> Selection:
    """A selection method on what is given."""
    supplied = {"memory": {}, "generator": torch.Generator().manual_seed(seed), **given}
    made = call(load("selection", name), supplied, params or {})
    assert isinstance(made, Selection)
    return made


def settle(
    name: str, made: Candidates, params: dict[str, object] | None = None, earn: Earn = lambda _: 0.0, seed: int = 0
) -> tuple[Candidates, Selection]:
    """All completions and the decision once no wish is left."""
    while True:
        decided = select(name, params, seed, candidates=made)
        if not decided.wishes:
            return made, decided
        made = fulfilled(made, decided.wishes, earn)
