"""The gradient of each of several losses as one flat vector, and the matrix of their inner products."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from workers.engine.batch import Batch, micro_batches
from workers.engine.learner import Learner
from workers.engine.recipe import Recipe
from workers.engine.update import read, reduced
from workers.engine.vocabulary import remember


def flat_gradient(model: torch.nn.Module, losses: Iterable[Tensor]) -> Tensor:
    """The gradient of the sum of `losses` (one a micro-batch, each made when its turn comes, so that one graph is in
    memory at a time), by every weight that learns, in one line. The weights' own `.grad` stays as it was found."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    flat_X = torch.zeros(sum(weight.numel() for weight in weights), device=weights[0].device)
    for loss in losses:
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        pieces = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]
        flat_X += torch.cat([piece.reshape(-1) for piece in pieces])
    return flat_X


def gram(learner: Learner, recipe: Recipe, batches: Iterable[Batch]) -> Tensor:
    """(K, K) inner products of the objective's gradients on K batches that differ by their advantages alone; extras
    and regularisers have no part in it."""
    lines = [flat_gradient(learner.policy.model, _losses(learner, recipe, batch)) for batch in batches]
    line_KX = torch.stack(lines)
    return line_KX @ line_KX.T


def _losses(learner: Learner, recipe: Recipe, batch: Batch) -> Iterator[Tensor]:
    groups = learner.micro_groups
    before = remember(learner.policy, batch, groups) if recipe.objective.asks("over_vocabulary") else None
    for row_R in micro_batches(batch.rollouts.group_N, groups):
        part = batch.rows(row_R)
        now, supplied = read(learner.policy, part, before, row_R)
        yield reduced(recipe.objective, part, now, supplied)[0]
