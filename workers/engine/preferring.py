"""Steps that learn from a stock: which rows they take, which side each is on, and curves."""

from dataclasses import replace
from math import isfinite

import torch
from torch import Tensor

from workers.engine.batch import Batch, rows_of
from workers.engine.gather import Gathered
from workers.engine.learner import Learner
from workers.engine.masks import masked, per_row
from workers.engine.outcome import Outcome
from workers.engine.pairing import pairs_of
from workers.engine.scoring import Scored
from workers.engine.stock import BAD, GOOD
from workers.engine.stocking import refill
from workers.engine.tensors import Pass, Rollouts

# Two readings of one model may differ by this much, in nats of a whole completion: a pair is told apart beyond it.
ROUNDING = 1e-4


def gather_stored(learner: Learner, step: int) -> Gathered:
    """What a step takes from the stock, which is filled first when a round begins; groups are numbered by unit, so that
    one that is taken twice in a step is two groups."""
    stock, pool, spec = learner.stock, learner.spec.pool, learner.spec
    assert stock is not None
    assert pool is not None
    troubles = refill(learner, pool, step)
    assert stock.stored is not None
    first = -(-stock.round * spec.budget.steps // pool.rounds)  # the round's first step, from 0
    singles = learner.recipe.objective.asks("labelled")
    count = spec.batch_prompts * (2 if singles else 1)
    row_R, unit_R = stock.take((step - 1 - first) * count, count)
    part = stock.stored.rows(row_R)
    compares = learner.recipe.objective.loaded.method.kind == "preferences"
    size = len(row_R) // count if compares else 0
    rollouts = replace(part.rollouts, group_N=unit_R)
    scored = replace(part.scored, troubles=troubles)
    return Gathered(rollouts, part.problems, scored, _sides(learner, part.scored.total, part.side_N, size))


def _sides(learner: Learner, totals: list[float | None], side_N: Tensor, size: int) -> Tensor:
    """GOOD or BAD for each row: in a pair the first is the better one; a single completion is good when it was called
    so, or when it earned more than the middle of what the stock's completions earned; where all of them earned the
    same, than the middle of what they could have earned."""
    if size == 2:
        return (torch.arange(len(side_N), device=side_N.device) + 1) % 2
    if size == 0:
        return torch.full_like(side_N, -1)
    assert learner.stock is not None
    assert learner.stock.stored is not None
    scored = learner.stock.stored.scored
    known = [value for value in scored.total if value is not None]
    middle = (min(known) + max(known)) / 2 if min(known) < max(known) else _half(learner, scored)
    earned_N = torch.tensor([value is not None and value > middle for value in totals], device=side_N.device).long()
    return torch.where(side_N < 0, earned_N, side_N)


def _half(learner: Learner, scored: Scored) -> float:
    """The middle of what completions can earn. A reward that declares no range is taken to lie between 0 and 1, and so
    are the scores of a file, which stand in the place of the first reward and are not weighed."""
    pool = learner.spec.pool
    assert pool is not None
    if pool.prompts == 0 and scored.total == scored.values[learner.objectives[0].label]:
        return 0.5
    ranges = [one.bounds if all(map(isfinite, one.bounds)) else (0.0, 1.0) for one in learner.objectives]
    return sum(one.weight * sum(bounds) / 2 for one, bounds in zip(learner.objectives, ranges, strict=True))


@torch.no_grad()
def mismatched_kl(learner: Learner, rollouts: Rollouts) -> Tensor:
    """KL(policy, reference) estimated where nothing was learned: each prompt with the next row's completion, the mean
    over rows of the summed log-ratios, nats (Ethayarajh et al., 2024, section 4.1)."""
    assert learner.supply.reference is not None
    shifted = rows_of(rollouts, torch.arange(len(rollouts.mask_NT), device=rollouts.mask_NT.device).roll(1))
    length = shifted.mask_NT.shape[1]
    mixed = replace(
        rollouts,
        token_NT=shifted.token_NT,
        mask_NT=shifted.mask_NT,
        logp_NT=shifted.logp_NT[:, :length],
        answers=shifted.answers,
        segments={},
        streams={},
    )
    now, reference = learner.policy.read(mixed), learner.supply.reference.read(mixed)
    return per_row(now.logp_NT - reference.logp_NT, mixed.mask_NT).mean()


def curves(batch: Batch, outcome: Outcome) -> dict[str, float]:
    """How the policy of the last pass tells the sides apart: the mean margin of log-ratios to the reference, the share
    of pairs with a margin above rounding, and each side's mean log-ratio, nats."""
    if "ratio" not in outcome.streams or "ref_logp" not in batch.rollouts.streams:
        return {}
    mask_NT = batch.rollouts.mask_NT
    moved_NT = masked(outcome.streams["ratio"], mask_NT)
    now_NT = batch.rollouts.logp_NT + torch.where(moved_NT > 0, moved_NT, 1.0).log()
    gain_N = per_row(now_NT - batch.rollouts.streams["ref_logp"], mask_NT)
    good_N, bad_N = gain_N[batch.tag_N == GOOD], gain_N[batch.tag_N == BAD]
    found = {
        f"preferences/{name}": float(side.mean()) for name, side in (("good", good_N), ("bad", bad_N)) if len(side)
    }
    if len(found) == 2:
        found["preferences/margin"] = found["preferences/good"] - found["preferences/bad"]
    if len(good_N) == len(bad_N) == batch.groups:
        pairs = pairs_of(Pass(gain_N[:, None], torch.ones_like(gain_N[:, None], dtype=torch.bool)), batch)
        ahead_E = pairs.chosen.logp_NT - pairs.rejected.logp_NT
        found["preferences/accuracy"] = float((ahead_E > ROUNDING).float().mean())
    return found
