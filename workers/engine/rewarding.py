"""Rewards as learning sees them: a column for each, shaped, and the weighted sum of those that apply."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.engine.learner import Learner
from workers.engine.masks import on_last_token
from workers.engine.placing import arising, with_rest
from workers.engine.recipe import Recipe
from workers.engine.scoring import Scored
from workers.engine.supply import Supply
from workers.engine.tensors import Progress, RefValues, Rollouts, Shaped


@dataclass(frozen=True)
class Rewards:
    """`value_NK` after shaping (0 where `valid_NK` is false), the weights in the sum, and the sum of the valid ones.
    `dense` has by number of a reward the values (N, T) of the parts of completions in which it arises."""

    value_NK: Tensor
    valid_NK: Tensor
    weight_K: Tensor
    dense: Mapping[int, Tensor] = field(default_factory=dict)

    @property
    def total_N(self) -> Tensor:
        """The weighted sum of what applies to each completion; 0 where nothing does."""
        return self.value_NK @ self.weight_K

    @property
    def valid_N(self) -> Tensor:
        """Whether any reward says something about a completion. One without weight is there to be seen, and says
        nothing beside others that have some."""
        counts_K = self.weight_K != 0
        return (self.valid_NK & (counts_K | ~counts_K.any())).any(dim=1)

    @property
    def reward_NK(self) -> Tensor:
        """Each reward by itself, NaN where it does not apply."""
        return self.value_NK.masked_fill(~self.valid_NK, torch.nan)

    def reward_NT(self, mask_NT: Tensor) -> Tensor:
        """The sum on the tokens where it arises, (N, T); what does not arise anywhere stands on the last one."""
        total_N = self.total_N.float()
        if not self.dense:
            return on_last_token(total_N, mask_NT)
        # Rows that were picked out of a batch may have lost columns in which none of them has a token.
        length = mask_NT.shape[1]
        parts = [self.weight_K[k] * value_NT[:, :length] for k, value_NT in self.dense.items()]
        return with_rest(total_N, torch.stack(parts).sum(dim=0), mask_NT)

    def rows(self, row_R: Tensor) -> "Rewards":
        """Some completions' rewards."""
        dense = {k: value_NT[row_R] for k, value_NT in self.dense.items()}
        return Rewards(self.value_NK[row_R], self.valid_NK[row_R], self.weight_K, dense)

    def reweighed(self, weight_K: Tensor) -> "Rewards":
        """The same rewards in another sum."""
        return replace(self, weight_K=weight_K)


def shaped(
    learner: Learner, recipe: Recipe, scored: Scored, rollouts: Rollouts, progress: Progress, ref_values: RefValues
) -> Rewards:
    """The step's rewards after all shaping, one after the other."""
    labels = [objective.label for objective in learner.objectives]
    rows = list(zip(*(scored.values[label] for label in labels), strict=True))
    device = rollouts.mask_NT.device
    value_NK = torch.tensor([[0.0 if value is None else value for value in row] for row in rows], device=device)
    known_NK = torch.tensor([[value is not None for value in row] for row in rows], device=device)
    counts_N = torch.tensor([total is not None for total in scored.total], device=device)
    weights = torch.tensor([objective.weight for objective in learner.objectives], device=device)
    dense = {
        k: arising(scored.spans[label], rollouts, learner.pieces)
        for k, label in enumerate(labels)
        if scored.spans.get(label)
    }
    plain = Rewards(value_NK, known_NK & counts_N[:, None], weights, dense)
    most = learner.spec.max_new_tokens
    return after_shaping(plain, recipe, learner.supply, rollouts.answers, most, progress, ref_values)


def after_shaping(
    rewards: Rewards,
    recipe: Recipe,
    supply: Supply,
    answers: Answers,
    most_tokens: int,
    progress: Progress,
    ref_values: RefValues | None = None,
) -> Rewards:
    """Rewards as they were given, changed by all shaping, one after the other. What shaping adds to a reward or takes
    from it stands on the last token: it speaks of whole completions. A method that stands here twice has two memories.
    """
    value_NK, valid_NK = rewards.value_NK, rewards.valid_NK
    times: Counter[str] = Counter()
    for part in recipe.shaping:
        times[part.address] += 1
        time = times[part.address]
        made: Shaped = supply.call(
            part,
            progress,
            "" if time == 1 else str(time),
            value_NK=value_NK,
            valid_NK=valid_NK,
            answers=answers,
            most_tokens=most_tokens,
            ref_values=ref_values,  # None without a model that could be asked; then no part may ask
        )
        value_NK = made.value_NK.masked_fill(~valid_NK, 0.0).float()
    return replace(rewards, value_NK=value_NK)
