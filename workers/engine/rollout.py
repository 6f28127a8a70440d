"""Problems in, completions out: sampling, texts and verdicts put together as one batch."""

import torch

from workers.contract.answers import CUT_OFF, FINISHED, Answers, Problem
from workers.engine.learner import Learner
from workers.engine.sampler import Sampled, sample
from workers.engine.tensors import Rollouts


def roll_out(
    learner: Learner, problems: list[Problem], siblings: int, generator: torch.Generator, version: int
) -> Rollouts:
    """`siblings` completions of each problem by the present policy; the stream `entropy` comes from sampling."""
    prompts = learner.encode([problem.prompt for problem in problems])
    sampled = sample(learner.policy, prompts, learner.plan(siblings), generator)
    group_N = torch.arange(len(problems), device=sampled.token_NT.device).repeat_interleave(siblings)
    return Rollouts(
        sampled.prompt_NL,
        sampled.prompt_mask_NL,
        sampled.token_NT,
        sampled.mask_NT,
        sampled.logp_NT,
        group_N,
        _answers(learner, problems, siblings, sampled),
        streams={"entropy": sampled.entropy_NT},
        version=version,
    )


def _answers(learner: Learner, problems: list[Problem], siblings: int, sampled: Sampled) -> Answers:
    lengths = sampled.mask_NT.sum(dim=1).tolist()
    ids = [row[:length] for row, length in zip(sampled.token_NT.tolist(), lengths, strict=True)]
    texts = learner.loaded.tokenizer.batch_decode(ids, skip_special_tokens=True)
    each = [problem for problem in problems for _ in range(siblings)]
    verdicts = [learner.source.verdict(text, problem) for text, problem in zip(texts, each, strict=True)]
    return Answers(
        tuple(texts),
        tuple(problem.prompt for problem in each),
        tuple(lengths),
        tuple(FINISHED if finished else CUT_OFF for finished in sampled.finished_N.tolist()),
        columns_of(each),
        tuple(verdicts),
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
