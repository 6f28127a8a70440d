"""Rewards of completions that the reference policy wrote to the step's prompts, for methods that compare with them."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import torch
from torch import Tensor

from workers.contract.answers import Problem
from workers.contract.events import Event
from workers.engine import seeds
from workers.engine.adapter import Unadapted, without
from workers.engine.boundary import boundary
from workers.engine.history import key_of
from workers.engine.learner import Learner
from workers.engine.rollout import roll_out
from workers.engine.scoring import Scored, score


def reference_values(
    learner: Learner, problems: Sequence[Problem], step: int, most: int, troubles: list[Event]
) -> Tensor:
    """(N, K, J): the rewards of J = `most` completions that the reference wrote to each problem's prompt, NaN where a
    reward says nothing. Prompts that are not remembered are sampled; `troubles` grows by those of their rewards."""
    known = learner.supply.references
    missing = {_key(problem): problem for problem in problems if known.get(_key(problem), most) is None}
    # A part at a time has no more completions than a step.
    rows = max(1, learner.spec.batch_prompts * learner.spec.siblings // most)
    places = list(missing)
    for start in range(0, len(places), rows):
        keys = places[start : start + rows]
        some = [missing[key] for key in keys]
        purpose = f"references of {[key_of(problem.prompt) for problem in some]}"
        scored = _scored(learner, some, step, most, purpose)
        troubles += scored.troubles
        for key, value_KJ in zip(keys, _values(learner, scored, most), strict=True):
            known.put(key, value_KJ)
    found = [known.get(_key(problem), most) for problem in problems]
    return torch.stack([value_KJ for value_KJ in found if value_KJ is not None]).to(learner.policy.device)


def _key(problem: Problem) -> int:
    """Of all that a reward may look at: one prompt may be there with several answers."""
    return key_of(json.dumps([problem.prompt, problem.answer, dict(problem.columns)], default=str))


def _scored(learner: Learner, problems: list[Problem], step: int, most: int, purpose: str) -> Scored:
    reference = learner.supply.reference
    assert reference is not None, "a method that asks for references has one"
    noise = seeds.generator(learner.spec.seed, purpose, step)
    with (
        boundary("sampling", step=step),
        without(reference.model) if isinstance(reference, Unadapted) else nullcontext(),
    ):
        made = roll_out(replace(learner, policy=reference), problems, (most,) * len(problems), noise, 0)
    with boundary("reward", step=step):
        return learner.ranks.first(lambda: score(learner.objectives, made.answers, step, part=True))


def _values(learner: Learner, scored: Scored, most: int) -> Tensor:
    """(P, K, J) of the rewards by label."""
    columns = [scored.values[objective.label] for objective in learner.objectives]
    value_KN = torch.tensor([[torch.nan if value is None else value for value in column] for column in columns])
    return value_KN.reshape(len(columns), -1, most).transpose(0, 1)
