"""A step's completions as a run stored them, credited again by the code that trains: shaping, selections, credit.

No model is read: what the file holds must do. Rewards may have been exchanged for others before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.spec import RunSpec
from workers.engine.batch import rows_of
from workers.engine.crediting import Asked, Credited, Told, weighed_out
from workers.engine.gather import Chosen
from workers.engine.recipe import Recipe, make_recipe
from workers.engine.rewarding import Rewards, after_shaping
from workers.engine.stored_answers import answers_of, open_step, rewards_of
from workers.engine.supply import Supply
from workers.engine.tensors import Candidates, Progress, Rollouts

# Streams of a stored batch that parts may ask for, in words, and what a run must have had to store them.
STORED = {
    "ref_logp_NT": ("ref_logp", "the reference policy's log-probabilities", "a part that compares with the reference"),
    "value_NT": ("value", "a critic's values", "a critic"),
}
STREAM = "stream."
BEYOND = {
    "over_vocabulary": "whole next-token distributions",
    "gram_KK": "gradients of the network",
    "ref_values": "completions that the reference policy writes",
}


@dataclass(frozen=True)
class Stored:
    """A step's completions as a run stored them: rollouts with streams, rewards by label (NaN: none), pieces, and by
    label the values (N, T) of rewards that arise within completions. `out` have no total: nothing applies to them, or a
    reward failed on them."""

    rollouts: Rollouts
    rewards: Mapping[str, Tensor]
    pieces: Sequence[Sequence[str]]
    dense: Mapping[str, Tensor] = field(default_factory=dict)
    out: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Again:
    """A stored step credited by `recipe`: which rows are left and the batch of them, the rewards of all after shaping,
    and sentences on what could not be followed."""

    recipe: Recipe
    found: Credited
    rewards: Rewards
    notes: list[str]


def read_stored(content: bytes) -> Stored:
    """A step's Parquet file as tensors; RunError at `data` when it is none, or has no completions."""
    return stored_of(open_step(content))


def stored_of(table: pa.Table) -> Stored:
    """A step's table (`stored_answers.open_step`) as tensors."""
    pieces = table["pieces"].to_pylist()
    length_N = torch.tensor([len(row) for row in pieces])
    inside_NT = torch.arange(max(1, int(length_N.max())))[None, :] < length_N[:, None]

    def tokens(name: str, kind: torch.dtype) -> Tensor:
        out_NT = torch.zeros(inside_NT.shape, dtype=kind)
        flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        out_NT[inside_NT] = torch.from_numpy(flat.copy()).to(kind)
        return out_NT

    streams = {
        name.removeprefix(STREAM): tokens(name, torch.float32) for name in table.column_names if name.startswith(STREAM)
    }
    none_NL = torch.zeros(len(pieces), 0, dtype=torch.long)
    logp_NT = streams.get("logp", torch.zeros(inside_NT.shape))
    rollouts = Rollouts(
        none_NL, none_NL.bool(), tokens("token_ids", torch.long), tokens("mask", torch.bool), logp_NT,
        torch.tensor(table["group"].to_pylist()), answers_of(table), streams=streams,
    )  # fmt: skip
    rewards = {
        label: torch.tensor([float("nan") if one is None else one for one in values])
        for label, values in rewards_of(table).items()
    }
    dense = {label: streams[f"reward.{label}"] for label in rewards if f"reward.{label}" in streams}
    out = frozenset(n for n, total in enumerate(table["reward_total"].to_pylist()) if total is None)
    return Stored(rollouts, rewards, pieces, dense, out)


def credited_again(stored: Stored, spec: RunSpec, step: int) -> Again:
    """The step under the recipe of `spec`; RunError at `spec` names what the file does not hold.

    What learns from earlier steps begins without a past.
    """
    progress = Progress(step, max(step, spec.budget.steps))
    recipe = make_recipe(spec).at(progress.share)
    _must_hold(recipe, stored)
    supply, notes = Supply(spec.seed), _notes(recipe)
    rewards = _rewards(stored, spec, recipe, supply, progress)
    chosen = _chosen(stored, recipe, supply, progress, rewards, notes)
    told = _told(stored, recipe, chosen, notes)
    asked = Asked(recipe, supply, chosen, progress, tuple(stored.rewards), told)
    return Again(recipe, weighed_out(asked), rewards, notes)


def _notes(recipe: Recipe) -> list[str]:
    """A sentence for each part that in a run would know of earlier steps, and for a weighting that is left out."""
    found = [part.address for part in recipe.parts if part.asks("memory")]
    notes = [f"{address} learns from earlier steps; here it begins without a past." for address in found]
    weighting = recipe.weighting
    if weighting is not None and weighting.asks("gram_KK"):
        notes.append(f"{weighting.address} asks for {BEYOND['gram_KK']}; here the rewards keep their own weights.")
    return notes


def _must_hold(recipe: Recipe, stored: Stored) -> None:
    if recipe.objective.loaded.method.kind == "preferences":
        what = f"{recipe.objective.address} learns from pairs; a stored batch of single completions has none."
        raise RunError("spec", what, "Choose a recipe with an objective.")
    if not stored.rewards:
        raise RunError("spec", "this batch was stored without rewards.", "Take a batch of a run with rewards.")
    for part in recipe.parts:
        for need in part.loaded.method.needs:
            if need in BEYOND and part is not recipe.weighting:  # a weighting is left out, and said so
                what = f"{part.address} asks for {BEYOND[need]}, which no stored batch holds."
                raise RunError("spec", what, "Choose another recipe, or look at this one in a run of its own.")
            stream, words, source = STORED.get(need, ("", "", ""))
            if stream and stream not in stored.rollouts.streams:
                what = f"{part.address} asks for {words}, and this batch was stored without them."
                raise RunError("spec", what, f"Take a batch of a run with {source}.")


def _rewards(stored: Stored, spec: RunSpec, recipe: Recipe, supply: Supply, progress: Progress) -> Rewards:
    """The batch's rewards after shaping: weights by label as the spec has them, 1 for labels that it does not know."""
    weights = {reward.label: reward.weight for reward in spec.rewards}
    column_NK = torch.stack(list(stored.rewards.values()), dim=1)
    weight_K = torch.tensor([weights.get(label, 1.0) for label in stored.rewards])
    dense = {k: stored.dense[label] for k, label in enumerate(stored.rewards) if label in stored.dense}
    counts_N = torch.tensor([n not in stored.out for n in range(len(column_NK))])
    plain = Rewards(column_NK.nan_to_num(0.0), ~column_NK.isnan() & counts_N[:, None], weight_K, dense)
    found = after_shaping(plain, recipe, supply, stored.rollouts.answers, spec.max_new_tokens, progress)
    if not bool(found.valid_N.any()):
        raise RunError("data", "no reward applies to any completion of this step.", "Take another step.")
    return found


def _chosen(
    stored: Stored, recipe: Recipe, supply: Supply, progress: Progress, rewards: Rewards, notes: list[str]
) -> Chosen:
    """What credit is given to: completions that a reward speaks of, less those that selections leave out before it.
    Selections that want something new are named in a note."""
    weight_N = rewards.valid_N.float()
    lost_N = rewards.valid_N & _left_out(stored.rollouts)
    if recipe.asks("value_NT") and bool(lost_N.any()):
        lost = f"Of {int(lost_N.sum())} completions that the run left out the critic's values are not stored"
        notes.append(f"{lost}; here they are out too.")
        weight_N[lost_N] = 0.0
    tag_N = torch.full(weight_N.shape, -1)
    for part in recipe.selection:
        if part.asks("credited"):
            continue
        row_R = (weight_N > 0).nonzero().squeeze(1)
        seen = Candidates(rows_of(stored.rollouts, row_R), rewards.total_N[row_R], tag_N[row_R], progress)
        made = None if part.asks("prompts") else supply.call(part, progress, candidates=seen)
        if made is None or made.wishes:
            notes.append(f"{part.address} would sample further completions; here it is left out.")
        else:
            weight_N[row_R] *= made.weight_N.to(weight_N.dtype)
    row_R = (weight_N > 0).nonzero().squeeze(1)
    return Chosen(row_R, rows_of(stored.rollouts, row_R), rewards.rows(row_R), tag_N[row_R], weight_N[row_R], {})


def _left_out(rollouts: Rollouts) -> Tensor:
    """True on completions that the run left out of its update. Zeros are stored in the place of what was read of them
    for it, and of their ratios, which are never 0 otherwise."""
    ratio_NT = rollouts.streams.get("ratio", torch.ones_like(rollouts.logp_NT))
    return rollouts.mask_NT.any(dim=1) & ~(ratio_NT > 0).any(dim=1)


def _told(stored: Stored, recipe: Recipe, chosen: Chosen, notes: list[str]) -> Told:
    """What the file says of the chosen completions' tokens."""
    rollouts = chosen.rollouts
    line_NT = _lines(stored)[chosen.row_R, : rollouts.mask_NT.shape[1]] if recipe.asks("segment_NT") else None
    ref_logp_NT, out_N = rollouts.streams.get("ref_logp"), _left_out(rollouts)
    if ref_logp_NT is not None and recipe.asks("ref_logp_NT") and bool(out_N.any()):
        lost = f"Of {int(out_N.sum())} completions that the run left out the reference's word is not stored"
        notes.append(f"{lost}; here the policy has not moved away from it there.")
        ref_logp_NT = torch.where(out_N[:, None], rollouts.logp_NT, ref_logp_NT)
    return Told(rollouts.streams.get("value"), ref_logp_NT, line_NT)


def _lines(stored: Stored) -> Tensor:
    """The number of each chosen token's line, from its piece; see `segments.py`."""
    mask_NT = stored.rollouts.mask_NT
    ends_NT = torch.zeros_like(mask_NT)
    for n, row in enumerate(stored.pieces):
        ends_NT[n, : len(row)] = torch.tensor(["\n" in piece for piece in row], dtype=torch.bool)
    ends_NT &= mask_NT
    return torch.where(mask_NT, ends_NT.cumsum(dim=1) - ends_NT.long(), -1)
