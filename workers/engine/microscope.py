"""The weight that a recipe puts on every token of a stored batch: the gradient of its loss by each log-probability.

Nothing is trained and no model is read: what the batch's columns hold must do. Two recipes on one batch show where
they differ.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.contract.spec import RunSpec
from workers.engine.batch import Batch
from workers.engine.masks import masked
from workers.engine.recipe import Part, Recipe
from workers.engine.stored_credit import Stored, credited_again
from workers.engine.tensors import Pass, Rollouts
from workers.engine.update import reduced


@dataclass(frozen=True)
class Seen:
    """What a recipe does to a batch: `weight_NT` (how much a rise of a token's log-probability lowers the loss, times
    the number of tokens of completions that a reward speaks of, so that 1 is the mean token of a plain policy gradient
    with advantage 1), the advantage, and sentences on what could not be followed. Both are 0 on what is left out."""

    weight_NT: Tensor
    advantage_NT: Tensor
    notes: tuple[str, ...]


def look(stored: Stored, spec: RunSpec, step: int = 1) -> Seen:
    """The recipe of `spec` on a stored batch; RunError at `spec` names what the batch does not hold.

    The present policy is the one of the batch's last pass, where the batch says by how much it had moved.
    """
    again = credited_again(stored, spec, step)
    found, notes = again.found, again.notes
    scale = float(stored.rollouts.mask_NT[again.rewards.valid_N].sum())
    weight_NT = scale * _push(again.recipe, found.batch, notes)
    return Seen(
        _whole(stored, found.row_R, weight_NT), _whole(stored, found.row_R, found.batch.advantage_NT), tuple(notes)
    )


def _push(recipe: Recipe, batch: Batch, notes: list[str]) -> Tensor:
    """How much a rise of each token's log-probability lowers the loss, (N, T)."""
    now = _now(batch.rollouts)
    if not len(batch.reward_N):
        notes.append("Nothing is left of this step to learn from.")
        return torch.zeros_like(now.logp_NT)
    loss = torch.stack([part.weight * _loss(part, batch, now, notes) for part in recipe.losses]).sum()
    (gradient_NT,) = torch.autograd.grad(loss, now.logp_NT, allow_unused=True)
    return torch.zeros_like(now.logp_NT) if gradient_NT is None else masked(-gradient_NT, now.mask_NT)


def _whole(stored: Stored, row_R: Tensor, value_RT: Tensor) -> Tensor:
    """Some rows' numbers in their places of the whole batch, 0 in the others."""
    value_NT = torch.zeros(stored.rollouts.mask_NT.shape)
    value_NT[row_R, : value_RT.shape[1]] = value_RT
    return value_NT


def _now(rollouts: Rollouts) -> Pass:
    """The policy at the last pass over the batch: the stored ratio says how far it had moved."""
    moved_NT = masked(rollouts.streams.get("ratio", torch.ones_like(rollouts.logp_NT)), rollouts.mask_NT)
    logp_NT = rollouts.logp_NT + torch.where(moved_NT > 0, moved_NT, 1.0).log()
    return Pass(logp_NT.requires_grad_(), rollouts.mask_NT, rollouts.streams.get("entropy"))


def _loss(part: Part, batch: Batch, now: Pass, notes: list[str]) -> Tensor:
    loss, _ = reduced(part, batch, now, batch.supplied())
    if loss.requires_grad:
        return loss
    notes.append(f"{part.address} does not act through the log-probabilities of the tokens; here it has no share.")
    return 0.0 * now.logp_NT.sum()
