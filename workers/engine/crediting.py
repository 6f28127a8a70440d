"""Rewards into advantages: weights of the rewards, credit, the choice of tokens, and what losses will ask for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from workers.engine.batch import Batch, rows_of
from workers.engine.boundary import boundary
from workers.engine.gather import Chosen
from workers.engine.gradients import gram
from workers.engine.learner import Learner
from workers.engine.masks import masked, spread
from workers.engine.recipe import Part, Recipe
from workers.engine.rewarding import Rewards
from workers.engine.segments import steps_of
from workers.engine.sharing import read_shared
from workers.engine.supply import Supply
from workers.engine.tensors import Candidates, Credit, Progress, Rollouts, Selection, Weights


@dataclass(frozen=True)
class Credited:
    """The batch that the update takes, which rows of the step it holds, and numbers that become curves."""

    row_R: Tensor
    batch: Batch
    statistics: dict[str, float]


@dataclass(frozen=True)
class Told:
    """What others say of the tokens of completions, (N, T) each, None where nobody asks: a critic's values, the
    reference's log-probabilities, and the number of each token's step."""

    value_NT: Tensor | None = None
    ref_logp_NT: Tensor | None = None
    segment_NT: Tensor | None = None


def credited(learner: Learner, recipe: Recipe, chosen: Chosen, progress: Progress) -> Credited:
    """The batch of one step; a row that selections leave out after credit is not in it."""
    with boundary("credit", step=progress.step):
        told = _told(learner, recipe, chosen.rollouts)
    labels = tuple(objective.label for objective in learner.objectives)
    return weighed_out(Asked(recipe, learner.supply, chosen, progress, labels, told, partial(gram, learner, recipe)))


def _told(learner: Learner, recipe: Recipe, rollouts: Rollouts) -> Told:
    value_NT = None if learner.critic is None else read_shared(learner.ranks, rollouts, learner.critic.values)
    ref_logp_NT = None
    if learner.supply.reference is not None and recipe.asks("ref_logp_NT"):
        stocked = learner.stock is not None  # then it was read when the stock was filled
        ask = learner.supply.ref_logp
        ref_logp_NT = rollouts.streams["ref_logp"] if stocked else read_shared(learner.ranks, rollouts, ask)
    return Told(value_NT, ref_logp_NT, steps_of(learner.pieces, rollouts) if recipe.asks("segment_NT") else None)


def weighed_out(asked: "Asked") -> Credited:
    """The batch of what is `asked` for: rewards weighed and credited, then whatever selections leave of it."""
    chosen = asked.chosen
    with boundary("credit", step=asked.progress.step):
        credit, rewards, statistics = _credit(asked)
        kept = _kept(asked, credit, rewards)
    with boundary("update", step=asked.progress.step):
        batch = asked.batch(credit, rewards, kept.weight_NT)
        if len(kept.row_R) < len(chosen.row_R):
            batch = batch.rows(kept.row_R)
    return Credited(chosen.row_R[kept.row_R], batch, {**chosen.statistics, **statistics, **kept.statistics})


@dataclass(frozen=True)
class Asked:
    """One step's completions with everything that credit and batches are made of, be they new or read from a file.
    `labels` name the rewards; `gram` gives the inner products of the gradients on several batches (None: there is no
    network to ask, and a weighting that wants them is left out)."""

    recipe: Recipe
    supply: Supply
    chosen: Chosen
    progress: Progress
    labels: Sequence[str]
    told: Told
    gram: Callable[[Iterable[Batch]], Tensor] | None = None

    @cached_property
    def alone_K(self) -> list[Credit]:
        """The credit of each reward by itself, made once a step, whoever asks: each reward's memory moves on by one."""
        part = self.recipe.credit
        if part is None:
            return []
        return [self.credit(part, _alone(self.chosen.rewards, k), label) for k, label in enumerate(self.labels)]

    def credit(self, part: Part, rewards: Rewards, label: str = "") -> Credit:
        """What the credit method makes of these rewards, or of the one with `label`."""
        rollouts = self.chosen.rollouts
        made: Credit = self.supply.call(
            part,
            self.progress,
            label,
            rollouts=rollouts,
            reward_NT=rewards.reward_NT(rollouts.mask_NT),
            reward_NK=rewards.reward_NK,
            value_NT=self.told.value_NT,
            ref_logp_NT=self.told.ref_logp_NT,
        )
        return made

    def batch(self, credit: Credit, rewards: Rewards, weight_NT: Tensor) -> Batch:
        """The update's batch: a token with weight 0 is not learned from, though sequence ratios still see it."""
        rollouts = self.chosen.rollouts
        learned_NT = rollouts.mask_NT & (weight_NT > 0)
        share_NT = self.recipe.reduction(mask_NT=learned_NT, group_N=rollouts.group_N) * weight_NT
        reward_NT = rewards.reward_NT(rollouts.mask_NT)
        return Batch(
            replace(rollouts, streams={**rollouts.streams, "reward": reward_NT}),
            credit.advantage_NT,
            share_NT,
            rewards.total_N.float(),
            self.chosen.tag_N,
            len(torch.unique(rollouts.group_N[learned_NT.any(dim=1)])),
            self.progress,
            self.told.ref_logp_NT,
            self.told.segment_NT,
            self.told.value_NT,
            credit.target_NT,
        )


def _credit(asked: Asked) -> tuple[Credit, Rewards, dict[str, float]]:
    """The credit, and the rewards with the weights that a weighting set."""
    recipe, rewards, statistics = asked.recipe, asked.chosen.rewards, dict[str, float]()
    part = recipe.credit
    if part is None:
        return Credit(torch.zeros_like(asked.chosen.rollouts.logp_NT)), rewards, statistics
    if recipe.weighting is not None:
        rewards = _weighed(asked, recipe.weighting)
        weights = zip(asked.labels, rewards.weight_K.tolist(), strict=True)
        statistics = {f"weighting/{label}": weight for label, weight in weights}
    if not recipe.credit_first:
        credit = asked.credit(part, rewards)
    else:  # each reward is credited by itself, and the advantages are weighed
        advantage_NTK = torch.stack([one.advantage_NT for one in asked.alone_K], dim=-1)
        credit = replace(asked.alone_K[0], advantage_NT=advantage_NTK @ rewards.weight_K)
    return credit, rewards, statistics | {f"credit/{name}": value for name, value in credit.statistics.items()}


def _alone(rewards: Rewards, k: int) -> Rewards:
    """One reward with weight 1 and the others with 0."""
    weight_K = torch.zeros_like(rewards.weight_K)
    weight_K[k] = 1.0
    return rewards.reweighed(weight_K)


def _weighed(asked: Asked, part: Part) -> Rewards:
    """The rewards with this step's weights; their gradients are taken only for a method that asks."""
    rewards, chosen = asked.chosen.rewards, asked.chosen
    gram_KK = None
    if part.asks("gram_KK"):
        if asked.gram is None:
            return rewards
        whole_NT = spread(chosen.weight_N, chosen.rollouts.mask_NT)
        each = enumerate(asked.alone_K)
        batches = [asked.batch(credit, _alone(rewards, k), whole_NT) for k, credit in each]
        gram_KK = asked.gram(batches)
    made: Weights = asked.supply.call(
        part, asked.progress, weight_K=rewards.weight_K, reward_NK=rewards.reward_NK, gram_KK=gram_KK
    )
    return rewards.reweighed(made.weight_K.to(rewards.weight_K.dtype))


@dataclass(frozen=True)
class Kept:
    """Which of the chosen rows stay, the weight of each of their tokens, and the selections' curves."""

    row_R: Tensor
    weight_NT: Tensor
    statistics: dict[str, float]


def _kept(asked: Asked, credit: Credit, rewards: Rewards) -> Kept:
    """What selections leave in once credit is known; each sees what those before it kept."""
    chosen, statistics = asked.chosen, dict[str, float]()
    weight_NT = spread(chosen.weight_N, chosen.rollouts.mask_NT)
    # A completion without any token stays where nobody leaves it out: there is nothing of it to weigh.
    stays_N, empty_N = torch.ones_like(chosen.tag_N, dtype=torch.bool), ~chosen.rollouts.mask_NT.any(dim=1)
    for part in asked.recipe.selects("credited"):
        row_R = stays_N.nonzero().squeeze(1)
        left = rows_of(replace(chosen.rollouts, mask_NT=weight_NT > 0), row_R)
        length = left.mask_NT.shape[1]
        advantage_RT = masked(credit.advantage_NT[row_R, :length], left.mask_NT)
        candidates = Candidates(
            left, rewards.total_N[row_R], chosen.tag_N[row_R], asked.progress, advantage_NT=advantage_RT
        )
        made: Selection = asked.supply.call(part, asked.progress, credited=candidates)
        statistics |= {f"selection/{name}": value for name, value in made.statistics.items()}
        if made.weight_N is not None:
            weight_NT[row_R] *= made.weight_N.to(weight_NT.dtype)[:, None]
            stays_N[row_R] &= made.weight_N > 0
        if made.weight_NT is not None:  # behind `length` nothing is left to weigh
            weight_NT[row_R, :length] *= made.weight_NT.to(weight_NT.dtype)
        stays_N &= (weight_NT > 0).any(dim=1) | empty_N
    return Kept(stays_N.nonzero().squeeze(1), weight_NT, statistics)
