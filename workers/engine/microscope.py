"""The weight that a recipe puts on every token of a stored batch: the gradient of its loss by each log-probability.

Nothing is trained and no model is read: what the batch's columns hold must do. Two recipes on one batch show where
they differ.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.spec import RunSpec
from workers.engine.batch import Batch
from workers.engine.masks import masked, on_last_token, spread
from workers.engine.recipe import Part, Recipe, make_recipe
from workers.engine.supply import Supply
from workers.engine.tensors import Candidates, Credit, Pass, Progress, Rollouts, Selection, Shaped
from workers.engine.update import reduced

# Streams of a stored batch that parts may ask for, and what a run must have had to store them.
STORED = {
    "ref_logp_NT": ("ref_logp", "a part that compares with the reference policy"),
    "value_NT": ("value", "a critic"),
}
BEYOND = {"over_vocabulary": "whole next-token distributions", "gram_KK": "gradients of the network"}


@dataclass(frozen=True)
class Stored:
    """A step's completions as a run stored them: rollouts with streams, rewards by label (NaN: none), and pieces."""

    rollouts: Rollouts
    rewards: Mapping[str, Tensor]
    pieces: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Seen:
    """What a recipe does to a batch: `weight_NT` (how much a rise of a token's log-probability lowers the loss, times
    the number of tokens, so that 1 is the mean token of a plain policy gradient with advantage 1), the advantage, and
    sentences on what could not be followed."""

    weight_NT: Tensor
    advantage_NT: Tensor
    notes: tuple[str, ...]


def read_stored(content: bytes) -> Stored:
    """A step's Parquet file as tensors."""
    table = pq.read_table(io.BytesIO(content)).to_pydict()
    lengths = [len(row) for row in table["token_ids"]]
    shape = (len(lengths), max(1, *lengths))

    def tokens(name: str, kind: torch.dtype) -> Tensor:
        out_NT = torch.zeros(shape, dtype=kind)
        for n, row in enumerate(table[name]):
            out_NT[n, : len(row)] = torch.tensor(row, dtype=kind)
        return out_NT

    streams = {
        name.removeprefix("stream."): tokens(name, torch.float32) for name in table if name.startswith("stream.")
    }
    none_NL = torch.zeros(len(lengths), 0, dtype=torch.long)
    logp_NT = streams.get("logp", torch.zeros(shape))
    answers = Answers(tuple(table["completion"]), tuple(table["prompt"]), tuple(lengths), tuple(table["end"]))
    rollouts = Rollouts(
        none_NL, none_NL.bool(), tokens("token_ids", torch.long), tokens("mask", torch.bool), logp_NT,
        torch.tensor(table["group"]), answers, streams=streams,
    )  # fmt: skip
    rewards = {
        name.removeprefix("reward."): torch.tensor([float("nan") if v is None else v for v in table[name]])
        for name in table
        if name.startswith("reward.")
    }
    return Stored(rollouts, rewards, table["pieces"])


def look(stored: Stored, spec: RunSpec, step: int = 1) -> Seen:
    """The recipe of `spec` on a stored batch; RunError at `spec` names what the batch does not hold.

    The present policy is the one of the batch's last pass, where the batch says by how much it had moved.
    """
    progress = Progress(step, max(step, spec.budget.steps))
    recipe = make_recipe(spec).at(progress.share)
    _must_hold(recipe, stored)
    supply, notes = Supply(spec.seed), list[str]()
    value_NK, valid_NK, weight_K = _rewards(stored, spec, recipe, supply, progress)
    total_N = value_NK @ weight_K
    credit = _credit(stored, recipe, supply, progress, total_N, value_NK.masked_fill(~valid_NK, torch.nan))
    weight_NT = _selected(stored, recipe, supply, progress, total_N, credit, notes)
    now = _now(stored.rollouts)
    batch = _batch(stored, recipe, progress, total_N, credit, weight_NT)
    loss = torch.stack([part.weight * _loss(part, batch, now) for part in recipe.losses]).sum()
    (gradient_NT,) = torch.autograd.grad(loss, now.logp_NT, allow_unused=True)
    gradient_NT = torch.zeros_like(now.logp_NT) if gradient_NT is None else gradient_NT
    scale = float(stored.rollouts.mask_NT.sum())
    return Seen(masked(-gradient_NT * scale, now.mask_NT), credit.advantage_NT, tuple(notes))


def _must_hold(recipe: Recipe, stored: Stored) -> None:
    if recipe.objective.loaded.method.kind == "preferences":
        what = f"{recipe.objective.address} learns from pairs; a stored batch of single completions has none."
        raise RunError("spec", what, "Choose a recipe with an objective.")
    for part in recipe.parts:
        for need in part.loaded.method.needs:
            if need in BEYOND and part is not recipe.weighting:
                what = f"{part.address} asks for {BEYOND[need]}, which no stored batch holds."
                raise RunError("spec", what, "Choose another recipe, or look at this one in a run of its own.")
            stream, source = STORED.get(need, ("", ""))
            if stream and stream not in stored.rollouts.streams:
                what = f"{part.address} asks for {need}, and this batch was stored without {stream}."
                raise RunError("spec", what, f"Take a batch of a run with {source}.")


def _rewards(
    stored: Stored, spec: RunSpec, recipe: Recipe, supply: Supply, progress: Progress
) -> tuple[Tensor, Tensor, Tensor]:
    """(values, validity, weights) of the batch's rewards: weights by label as the spec has them, 1 for labels that it
    does not know."""
    weights = {reward.label: reward.weight for reward in spec.rewards}
    column_NK = torch.stack(list(stored.rewards.values()), dim=1)
    valid_NK = ~column_NK.isnan()
    value_NK = column_NK.nan_to_num(0.0)
    for part in recipe.shaping:
        more = {"answers": stored.rollouts.answers, "most_tokens": spec.max_new_tokens}
        made: Shaped = supply.call(part, progress, value_NK=value_NK, valid_NK=valid_NK, **more)
        value_NK = made.value_NK.masked_fill(~valid_NK, 0.0)
    return value_NK, valid_NK, torch.tensor([weights.get(label, 1.0) for label in stored.rewards])


def _credit(
    stored: Stored, recipe: Recipe, supply: Supply, progress: Progress, total_N: Tensor, reward_NK: Tensor
) -> Credit:
    rollouts = stored.rollouts
    if recipe.credit is None:
        return Credit(torch.zeros_like(rollouts.logp_NT))
    made: Credit = supply.call(
        recipe.credit,
        progress,
        rollouts=rollouts,
        reward_NT=on_last_token(total_N, rollouts.mask_NT),
        reward_NK=reward_NK,
        value_NT=rollouts.streams.get("value"),
        ref_logp_NT=rollouts.streams.get("ref_logp"),
    )
    return made


def _selected(
    stored: Stored,
    recipe: Recipe,
    supply: Supply,
    progress: Progress,
    total_N: Tensor,
    credit: Credit,
    notes: list[str],
) -> Tensor:
    """The weight of each token after the selections that need nothing new; the others are named in a note."""
    rollouts = stored.rollouts
    weight_NT = spread(torch.ones(len(total_N)), rollouts.mask_NT)
    tag_N = torch.full((len(total_N),), -1)
    for part in recipe.selection:
        stage = "candidates" if part.asks("candidates") else "credited"
        advantage_NT = credit.advantage_NT if stage == "credited" else None
        given = Candidates(rollouts, total_N, tag_N, progress, 0, advantage_NT)
        made = None if part.asks("prompts") else supply.call(part, progress, **{stage: given})
        if not isinstance(made, Selection) or made.wishes:
            notes.append(f"{part.address} would sample further completions; here it is left out.")
            continue
        for weight in (None if made.weight_N is None else made.weight_N[:, None], made.weight_NT):
            weight_NT = weight_NT if weight is None else weight_NT * weight
    return weight_NT


def _now(rollouts: Rollouts) -> Pass:
    """The policy at the last pass over the batch: the stored ratio says how far it had moved."""
    moved_NT = masked(rollouts.streams.get("ratio", torch.ones_like(rollouts.logp_NT)), rollouts.mask_NT)
    logp_NT = rollouts.logp_NT + torch.where(moved_NT > 0, moved_NT, 1.0).log()
    return Pass(logp_NT.requires_grad_(), rollouts.mask_NT, rollouts.streams.get("entropy"))


def _batch(
    stored: Stored, recipe: Recipe, progress: Progress, total_N: Tensor, credit: Credit, weight_NT: Tensor
) -> Batch:
    rollouts = stored.rollouts
    learned_NT = rollouts.mask_NT & (weight_NT > 0)
    return Batch(
        rollouts,
        credit.advantage_NT,
        recipe.reduction(mask_NT=learned_NT, group_N=rollouts.group_N) * weight_NT,
        total_N,
        torch.full((len(total_N),), -1),
        len(torch.unique(rollouts.group_N)),
        progress,
        rollouts.streams.get("ref_logp"),
        _lines(stored),
        rollouts.streams.get("value"),
    )


def _lines(stored: Stored) -> Tensor:
    """The number of each token's line, from its piece."""
    mask_NT = stored.rollouts.mask_NT
    number_NT = torch.full(mask_NT.shape, -1)
    for n, row in enumerate(stored.pieces):
        line = 0
        for t, piece in enumerate(row):
            number_NT[n, t] = line if bool(mask_NT[n, t]) else -1
            line += "\n" in piece
    return number_NT


def _loss(part: Part, batch: Batch, now: Pass) -> Tensor:
    loss, _ = reduced(part, batch, now, batch.supplied())
    return loss if loss.requires_grad else loss + 0.0 * now.logp_NT.sum()


def as_json(stored: Stored, seen: Seen, rows: int) -> dict[str, Any]:
    """The first rows for the page: pieces, weights and advantages token by token."""
    lengths = [len(row) for row in stored.pieces][:rows]
    cut = {"weight": seen.weight_NT, "advantage": seen.advantage_NT}
    return {
        "pieces": [list(row) for row in stored.pieces[:rows]],
        **{name: [value[n, :k].tolist() for n, k in enumerate(lengths)] for name, value in cut.items()},
        "notes": list(seen.notes),
    }
