"""The weight that a recipe puts on every token of a stored batch: the gradient of its loss by each log-probability.

Nothing is trained and no model is read: what the batch's columns hold must do. Two recipes on one batch show where
they differ.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.spec import RunSpec
from workers.engine.batch import Batch
from workers.engine.masks import masked, on_last_token, spread
from workers.engine.recipe import Part, Recipe, make_recipe
from workers.engine.rewarding import Rewards
from workers.engine.supply import Supply
from workers.engine.tensors import Candidates, Credit, Pass, Progress, Rollouts, Selection, Shaped, Weights
from workers.engine.update import reduced

# Streams of a stored batch that parts may ask for, in words, and what a run must have had to store them.
STORED = {
    "ref_logp_NT": ("ref_logp", "the reference policy's log-probabilities", "a part that compares with the reference"),
    "value_NT": ("value", "a critic's values", "a critic"),
}
STREAM, REWARD = "stream.", "reward."
PLAIN = ("prompt", "completion", "end", "group", "pieces")
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
    """A step's Parquet file as tensors; RunError at `data` when it is none, or has no completions."""
    try:
        table = pq.read_table(io.BytesIO(content))
    except pa.ArrowInvalid as error:
        raise RunError("data", f"the stored file cannot be read ({error}).", "Take another step.") from error
    plain = table.select([name for name in table.column_names if name in PLAIN or name.startswith(REWARD)]).to_pydict()
    pieces = plain["pieces"]
    if not pieces:
        raise RunError("data", "this step stored no completions.", "Take another step.")
    length_N = torch.tensor([len(row) for row in pieces])
    inside_NT = torch.arange(max(1, int(length_N.max())))[None, :] < length_N[:, None]

    def tokens(name: str, kind: torch.dtype) -> Tensor:
        out_NT = torch.zeros(inside_NT.shape, dtype=kind)
        flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        out_NT[inside_NT] = torch.from_numpy(flat.copy()).to(kind)
        return out_NT

    lengths = tuple(length_N.tolist())
    streams = {
        name.removeprefix(STREAM): tokens(name, torch.float32) for name in table.column_names if name.startswith(STREAM)
    }
    none_NL = torch.zeros(len(lengths), 0, dtype=torch.long)
    logp_NT = streams.get("logp", torch.zeros(inside_NT.shape))
    answers = Answers(tuple(plain["completion"]), tuple(plain["prompt"]), lengths, tuple(plain["end"]))
    rollouts = Rollouts(
        none_NL, none_NL.bool(), tokens("token_ids", torch.long), tokens("mask", torch.bool), logp_NT,
        torch.tensor(plain["group"]), answers, streams=streams,
    )  # fmt: skip
    rewards = {
        name.removeprefix(REWARD): torch.tensor([float("nan") if one is None else one for one in values])
        for name, values in plain.items()
        if name.startswith(REWARD)
    }
    return Stored(rollouts, rewards, pieces)


def look(stored: Stored, spec: RunSpec, step: int = 1) -> Seen:
    """The recipe of `spec` on a stored batch; RunError at `spec` names what the batch does not hold.

    The present policy is the one of the batch's last pass, where the batch says by how much it had moved.
    """
    progress = Progress(step, max(step, spec.budget.steps))
    recipe = make_recipe(spec).at(progress.share)
    _must_hold(recipe, stored)
    supply, notes = Supply(spec.seed), _forgotten(recipe)
    rewards = _weighed(recipe, _rewards(stored, spec, recipe, supply, progress), supply, progress, notes)
    credit = _credit(stored, recipe, supply, progress, rewards)
    weight_NT = _selected(stored, recipe, supply, progress, rewards.total_N, credit, notes)
    now = _now(stored.rollouts)
    batch = _batch(stored, recipe, progress, rewards.total_N, credit, weight_NT)
    loss = torch.stack([part.weight * _loss(part, batch, now, notes) for part in recipe.losses]).sum()
    (gradient_NT,) = torch.autograd.grad(loss, now.logp_NT, allow_unused=True)
    gradient_NT = torch.zeros_like(now.logp_NT) if gradient_NT is None else gradient_NT
    scale = float(stored.rollouts.mask_NT.sum())
    return Seen(masked(-gradient_NT * scale, now.mask_NT), credit.advantage_NT, tuple(notes))


def _forgotten(recipe: Recipe) -> list[str]:
    """A sentence for each part that in a run would know of earlier steps."""
    found = [part.address for part in recipe.parts if part.asks("memory")]
    return [f"{address} learns from earlier steps; here it begins without a past." for address in found]


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
    valid_NK = ~column_NK.isnan()
    value_NK = column_NK.nan_to_num(0.0)
    for part in recipe.shaping:
        more = {"answers": stored.rollouts.answers, "most_tokens": spec.max_new_tokens}
        made: Shaped = supply.call(part, progress, value_NK=value_NK, valid_NK=valid_NK, **more)
        value_NK = made.value_NK.masked_fill(~valid_NK, 0.0)
    return Rewards(value_NK, valid_NK, torch.tensor([weights.get(label, 1.0) for label in stored.rewards]))


def _weighed(recipe: Recipe, rewards: Rewards, supply: Supply, progress: Progress, notes: list[str]) -> Rewards:
    """The rewards with the weights that a weighting gives them, where the batch is enough for that."""
    part = recipe.weighting
    if part is None:
        return rewards
    if part.asks("gram_KK"):
        notes.append(f"{part.address} asks for {BEYOND['gram_KK']}; here the rewards keep their own weights.")
        return rewards
    made: Weights = supply.call(part, progress, weight_K=rewards.weight_K, reward_NK=rewards.reward_NK)
    return rewards.reweighed(made.weight_K)


def _credit(stored: Stored, recipe: Recipe, supply: Supply, progress: Progress, rewards: Rewards) -> Credit:
    """The credit of the rewards together, or of each by itself and then weighed, as the recipe says."""
    rollouts = stored.rollouts
    part = recipe.credit
    if part is None:
        return Credit(torch.zeros_like(rollouts.logp_NT))

    def of(several: Rewards) -> Credit:
        made: Credit = supply.call(
            part,
            progress,
            rollouts=rollouts,
            reward_NT=on_last_token(several.total_N, rollouts.mask_NT),
            reward_NK=several.reward_NK,
            value_NT=rollouts.streams.get("value"),
            ref_logp_NT=rollouts.streams.get("ref_logp"),
        )
        return made

    if not recipe.credit_first:
        return of(rewards)
    each = [of(rewards.reweighed(alone_K)) for alone_K in torch.eye(len(rewards.weight_K))]
    advantage_NTK = torch.stack([one.advantage_NT for one in each], dim=-1)
    return replace(each[0], advantage_NT=advantage_NTK @ rewards.weight_K)


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
        _lines(stored) if recipe.asks("segment_NT") else None,
        rollouts.streams.get("value"),
    )


def _lines(stored: Stored) -> Tensor:
    """The number of each chosen token's line, from its piece; see `segments.py`."""
    mask_NT = stored.rollouts.mask_NT
    ends_NT = torch.zeros_like(mask_NT)
    for n, row in enumerate(stored.pieces):
        ends_NT[n, : len(row)] = torch.tensor(["\n" in piece for piece in row], dtype=torch.bool)
    ends_NT &= mask_NT
    return torch.where(mask_NT, ends_NT.cumsum(dim=1) - ends_NT.long(), -1)


def _loss(part: Part, batch: Batch, now: Pass, notes: list[str]) -> Tensor:
    loss, _ = reduced(part, batch, now, batch.supplied())
    if loss.requires_grad:
        return loss
    notes.append(f"{part.address} does not act through the log-probabilities of the tokens; here it has no share.")
    return 0.0 * now.logp_NT.sum()
