"""A step's completions as the rows that are stored."""

import torch
from torch import Tensor

from workers.contract.answers import Problem
from workers.engine.learner import Learner
from workers.engine.masks import per_row
from workers.engine.scoring import Scored
from workers.engine.store import Table, as_json
from workers.engine.tensors import Rollouts


def table_of(
    learner: Learner,
    rollouts: Rollouts,
    problems: list[Problem],
    scored: Scored,
    streams: dict[str, Tensor],
    step: int,
) -> Table:
    """The rows of a training step; `problems` and `streams` have one entry a completion."""
    answers, mask_NT = rollouts.answers, rollouts.mask_NT
    ids = [row[:length] for row, length in zip(rollouts.token_NT.tolist(), answers.lengths, strict=True)]
    masks = [row[:length] for row, length in zip(mask_NT.tolist(), answers.lengths, strict=True)]
    pairs = zip(rollouts.prompt_NL.tolist(), rollouts.prompt_mask_NL.tolist(), strict=True)
    prompts = [[token for token, present in zip(row, here, strict=True) if present] for row, here in pairs]
    columns = {
        "group": rollouts.group_N.tolist(),
        "prompt": list(answers.prompts),
        "completion": list(answers.texts),
        "prompt_ids": prompts,
        "token_ids": ids,
        "pieces": [learner.pieces.of(row) for row in ids],
        "mask": masks,
        "end": list(answers.ends),
        "length": list(answers.lengths),
        "answer": [problem.answer for problem in problems],
        "columns": [as_json(problem.columns) for problem in problems],
        "verdict": list(answers.verdicts),
        "source": [""] * len(ids),
        "reward_total": scored.total,
        "advantage": mean_advantage(streams["advantage"], mask_NT),
    }
    shown = {name: value_NT.cpu().numpy() for name, value_NT in streams.items()}
    return Table(step, columns, scored.values, shown, scored.texts())


def mean_advantage(advantage_NT: Tensor, mask_NT: Tensor) -> list[float]:
    """Each completion's mean advantage over its tokens."""
    mean_N: Tensor = per_row(advantage_NT, mask_NT) / torch.clamp(mask_NT.sum(dim=1), min=1)
    return [float(value) for value in mean_N.tolist()]
