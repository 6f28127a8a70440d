"""Problems in, completions out: sampling, texts and verdicts put together as one batch."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from workers.contract.answers import CUT_OFF, FINISHED, Answers, Problem
from workers.engine.learner import Learner
from workers.engine.sampler import Sampled, pad_left
from workers.engine.sharing import sample_shared
from workers.engine.tensors import Rollouts


def roll_out(
    learner: Learner, problems: list[Problem], siblings: tuple[int, ...], generator: torch.Generator, version: int
) -> Rollouts:
    """As many completions of each problem as `siblings` says, by the present policy; `entropy` comes from sampling."""
    prompts = learner.encode([problem.prompt for problem in problems])
    sampled = sample_shared(learner.ranks, learner.policy, prompts, learner.plan(siblings), generator)
    device = sampled.token_NT.device
    counts = torch.tensor(siblings, device=device)
    group_N = torch.arange(len(problems), device=device).repeat_interleave(counts)
    each = [problem for problem, count in zip(problems, siblings, strict=True) for _ in range(count)]
    made = _rollouts(learner, sampled, each, group_N, version)
    return replace(made, answers=replace(made.answers, groups=tuple(group_N.tolist())))


def sample_on(
    learner: Learner, problems: list[Problem], starts: list[list[int]], generator: torch.Generator, version: int
) -> Rollouts:
    """One completion of each problem that begins with the given tokens; the policy's word on those is read as well.
    Each has as many tokens in all as the run allows. A start that is at its end, or that long, stays as it is."""
    prompts = learner.encode([problem.prompt for problem in problems])
    begun = [[*prompt, *start] for prompt, start in zip(prompts, starts, strict=True)]
    over = [bool(start) and start[-1] in learner.loaded.ends for start in starts]
    rooms = [
        0 if end else max(0, learner.spec.max_new_tokens - len(start)) for start, end in zip(starts, over, strict=True)
    ]
    ids, ends = list(starts), [FINISHED if end else CUT_OFF for end in over]
    for rows in _at_once([len(row) for row in begun], rooms, learner.loaded.longest):
        plan = replace(learner.plan((1,) * len(rows)), new_tokens=rooms[rows[-1]])
        sampled = sample_shared(learner.ranks, learner.policy, [begun[n] for n in rows], plan, generator)
        lengths, finished = sampled.mask_NT.sum(dim=1).tolist(), sampled.finished_N.tolist()
        for place, n in enumerate(rows):
            ids[n] = [*starts[n], *sampled.token_NT[place, : min(lengths[place], rooms[n])].tolist()]
            ends[n] = FINISHED if finished[place] and lengths[place] <= rooms[n] else CUT_OFF
    return as_rollouts(learner, problems, ids, ends, version)


def _at_once(lengths: list[int], rooms: list[int], longest: int | None) -> Iterator[list[int]]:
    """Rows with room that are sampled together, the one with the most room last: a batch goes on until that one is
    full, and up to there its longest row must have positions in the model."""
    together: list[int] = []
    for row in sorted(range(len(rooms)), key=rooms.__getitem__):
        if rooms[row] == 0:
            continue
        most = max(lengths[n] for n in (*together, row))
        if together and longest is not None and most + rooms[row] > longest:
            yield together
            together = []
        together.append(row)
    if together:
        yield together


@torch.no_grad()
def as_rollouts(
    learner: Learner, problems: list[Problem], ids: list[list[int]], ends: list[str], version: int
) -> Rollouts:
    """Completions that are known token by token, one a problem, with the present policy's word on each token."""
    device = learner.policy.device
    prompt_NL, present_NL = pad_left(learner.encode([p.prompt for p in problems]), learner.loaded.pad, device)
    longest = max(1, *(len(row) for row in ids))
    token_NT = torch.full((len(ids), longest), learner.loaded.pad, device=device)
    mask_NT = torch.zeros(token_NT.shape, dtype=torch.bool, device=device)
    for n, row in enumerate(ids):
        token_NT[n, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask_NT[n, : len(row)] = True
    finished_N = torch.tensor([end == FINISHED for end in ends], device=device)
    zero_NT = torch.zeros(token_NT.shape, device=device)
    sampled = Sampled(prompt_NL, present_NL, token_NT, mask_NT, zero_NT, zero_NT, finished_N)
    group_N = torch.arange(len(ids), device=device)
    blank = _rollouts(learner, sampled, problems, group_N, version)
    now = learner.policy.read(blank)
    entropy_NT = zero_NT if now.entropy_NT is None else now.entropy_NT
    return replace(blank, logp_NT=now.logp_NT.float(), streams={"entropy": entropy_NT.float()})


def _rollouts(learner: Learner, sampled: Sampled, each: list[Problem], group_N: torch.Tensor, version: int) -> Rollouts:
    return Rollouts(
        sampled.prompt_NL,
        sampled.prompt_mask_NL,
        sampled.token_NT,
        sampled.mask_NT,
        sampled.logp_NT,
        group_N,
        _answers(learner, each, sampled),
        streams={"entropy": sampled.entropy_NT},
        version=version,
    )


def _answers(learner: Learner, each: list[Problem], sampled: Sampled) -> Answers:
    lengths = sampled.mask_NT.sum(dim=1).tolist()
    ids = [row[:length] for row, length in zip(sampled.token_NT.tolist(), lengths, strict=True)]
    texts = learner.loaded.tokenizer.batch_decode(ids, skip_special_tokens=True)
    verdicts = learner.source.verdicts(texts, each)
    return Answers(
        tuple(texts),
        tuple(problem.prompt for problem in each),
        tuple(lengths),
        tuple(FINISHED if finished else CUT_OFF for finished in sampled.finished_N.tolist()),
        columns_of(each),
        tuple(verdicts),
        tokens=tuple(map(tuple, ids)),
    )


def columns_of(problems: list[Problem]) -> dict[str, tuple[object, ...]]:
    """The columns that rewards may ask for, one value a problem (None where it has none). There is no column `answer`
    when no problem has one, so that a reward which needs it says so."""
    names = {name for problem in problems for name in problem.columns}
    columns: dict[str, tuple[object, ...]] = {
        name: tuple(problem.columns.get(name) for problem in problems) for name in sorted(names)
    }
    if any(problem.answer for problem in problems):
        columns["answer"] = tuple(problem.answer for problem in problems)
    return columns
