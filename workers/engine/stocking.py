"""Fills a run's stock: completions sampled by the present policy or read from a file, scored, paired, and read once by
every model that losses will ask for."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from workers.contract.answers import FINISHED, Problem
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.contract.resources import Served
from workers.contract.spec import Model, Pool
from workers.engine import seeds
from workers.engine.batch import joined, micro_batches, rows_of
from workers.engine.boundary import boundary
from workers.engine.learner import Learner, device
from workers.engine.policy import Policy, make_policy
from workers.engine.rollout import as_rollouts, roll_out
from workers.engine.scoring import Column, Scored, score
from workers.engine.served import roll_out_served
from workers.engine.stock import Stored
from workers.engine.stored_rows import StoredRow, read_stored
from workers.engine.tensors import Rollouts
from workers.models import loading

CHUNK = 32  # groups sampled or read at once


def refill(learner: Learner, pool: Pool, step: int) -> list[Event]:
    """Fill the stock anew when a round begins with this step; what went wrong with single completions."""
    stock = learner.stock
    assert stock is not None
    number = (step - 1) * pool.rounds // learner.spec.budget.steps
    if number == stock.round:
        return []
    with boundary("sampling", step=step):
        stored = _sampled(learner, pool, number, step) if pool.prompts else _read(learner, step)
        units, figures = _units(learner, stored)
        if not units:
            groups = len(torch.unique(stored.rollouts.group_N))
            what = f"no pair can be made: in each of {groups} groups all rewards tie."
            mend = "Sample more completions of each prompt, or take rewards that tell them apart."
            raise RunError("data", what, mend, {"step": step})
        # What no unit holds is never learned from, so no other model needs to read it.
        used = sorted({row for unit in units for row in unit})
        place = {row: index for index, row in enumerate(used)}
        kept = stored.rows(torch.tensor(used, device=stored.side_N.device))
        stock.round, stock.stored = number, _known(learner, kept, unmoved=step == 1, read=not pool.prompts)
        stock.units, stock.figures = [[place[row] for row in unit] for unit in units], figures
    return stored.scored.troubles


def _sampled(learner: Learner, pool: Pool, number: int, step: int) -> Stored:
    """`pool.siblings` completions of each problem by the policy as it is now, or by the model that a server holds."""
    problems = learner.source.more(number, "stock", pool.prompts)
    if learner.spec.served is not None:
        return _asked(learner, learner.spec.served, problems, pool, number, step)
    parts = []
    for start in range(0, len(problems), CHUNK):
        some = problems[start : start + CHUNK]
        noise = seeds.generator(learner.spec.seed, f"stock {number}", start)
        parts.append(roll_out(learner, some, (pool.siblings,) * len(some), noise, step - 1))
    rollouts = _in_one(parts)
    scored = learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step))
    each = tuple(problem for problem in problems for _ in range(pool.siblings))
    return Stored(rollouts, each, scored, torch.full_like(rollouts.group_N, -1))


def _asked(learner: Learner, served: Served, problems: list[Problem], pool: Pool, number: int, step: int) -> Stored:
    """The same from a server; like stored completions they come with the present policy's word on each token."""
    ask = partial(roll_out_served, learner, served, problems, pool.siblings, f"stock {number}", step)
    told = learner.ranks.first(ask)
    each = tuple(problem for problem in problems for _ in range(pool.siblings))
    ids = [row[mask].tolist() for row, mask in zip(told.token_NT, told.mask_NT, strict=True)]
    cuts = [slice(start, start + CHUNK) for start in range(0, len(ids), CHUNK)]
    ends = list(told.answers.ends)
    parts = [as_rollouts(learner, list(each[cut]), ids[cut], ends[cut], step - 1) for cut in cuts]
    rollouts = replace(_in_one(parts), group_N=told.group_N)
    scored = learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step))
    return Stored(rollouts, each, scored, torch.full_like(rollouts.group_N, -1))


def _in_one(parts: list[Rollouts]) -> Rollouts:
    """All parts one behind the other, groups numbered on; joined by twos, so that no row is copied often."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    first, second = _in_one(parts[:half]), _in_one(parts[half:])
    return joined(first, replace(second, group_N=second.group_N + int(first.group_N.max()) + 1))


def _read(learner: Learner, step: int) -> Stored:
    """The completions that the prompts' file brings for training prompts. What the file says of them stands in the
    place of the first reward; where it says nothing, the run's rewards judge."""
    path = Path(learner.spec.prompts.path)
    found = read_stored(path, learner.spec.prompts.heldout_share)
    problems, ids = [row.problem for row in found], _cut(learner, found, path.name)
    numbers: dict[str, int] = {}
    group_N = torch.tensor([numbers.setdefault(row.group, len(numbers)) for row in found])
    parts = [
        as_rollouts(learner, problems[s : s + CHUNK], ids[s : s + CHUNK], [FINISHED] * len(ids[s : s + CHUNK]), 0)
        for s in range(0, len(ids), CHUNK)
    ]
    rollouts = replace(_in_one(parts), group_N=group_N.to(learner.policy.device))
    side_N = torch.tensor([row.side for row in found], device=learner.policy.device)
    return Stored(rollouts, tuple(problems), _said_of(learner, rollouts, [row.score for row in found], step), side_N)


def _said_of(learner: Learner, rollouts: Rollouts, scores: Column, step: int) -> Scored:
    """The rewards of stored completions: the file's scores, or where it has none, the run's own."""
    if None in scores:
        return learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step))
    none: Column = [None] * len(scores)
    values = {one.label: scores if place == 0 else none for place, one in enumerate(learner.objectives)}
    return Scored(values, scores, [])


def _cut(learner: Learner, found: list[StoredRow], name: str) -> list[list[int]]:
    """The completions' tokens, each with the token that ends it; RunError at `data` with the line of one that does not
    fit the model together with its prompt."""
    tokenizer, longest = learner.loaded.tokenizer, learner.loaded.longest
    cut = tokenizer([row.text for row in found], add_special_tokens=False)["input_ids"]
    ids = [[*row, *learner.end] for row in cut]
    prompts = learner.encode([row.problem.prompt for row in found])
    for row, prompt, completion in zip(found, prompts, ids, strict=True):
        length = len(prompt) + len(completion)
        if longest is not None and length > longest:
            what = f"{name}, line {row.line}: prompt and completion have {length} tokens, the model takes {longest}."
            raise RunError("data", what, "Leave this row out, or shorten it.", {"line": row.line})
    return ids


def _known(learner: Learner, stored: Stored, *, unmoved: bool, read: bool) -> Stored:
    """The stock with the word of every other model that losses ask for, read once for all steps of the round. Before
    the first step (`unmoved`) policy and reference are one model, which is not asked twice; nor is it where it has
    just `read` the stock."""
    asks = learner.recipe.asks
    streams = dict(stored.rollouts.streams)
    if learner.supply.reference is not None:
        known = unmoved and read
        streams["ref_logp"] = (
            stored.rollouts.logp_NT.clone() if known else _said(learner.supply.reference, stored.rollouts)
        )
    if asks("previous_pairs"):
        known = unmoved and "ref_logp" in streams
        streams["previous_logp"] = streams["ref_logp"].clone() if known else _said(learner.policy, stored.rollouts)
    if asks("guide_pairs"):
        guides = [one for one in learner.spec.companions if one.role == "guide"]
        streams["guide_logp"] = _said(_guide(learner, guides[0].model), stored.rollouts)
    # In the order of names, as they come back from a checkpoint.
    return replace(stored, rollouts=replace(stored.rollouts, streams=dict(sorted(streams.items()))))


def _guide(learner: Learner, model: Model) -> Policy:
    """Another run's model as a policy; RunError at `model` when its tokens are not those of this run."""
    guide = loading.load(model, device())
    if guide.tokenizer.get_vocab() != learner.loaded.tokenizer.get_vocab():
        what = f"the guide {model.name!r} has another vocabulary than the run's model."
        raise RunError("model", what, "Take the model of a run that began from the same one.")
    return make_policy(guide.model, learner.policy.temperature, learner.policy.precision)


@torch.no_grad()
def _said(policy: Policy, rollouts: Rollouts) -> Tensor:
    """A model's log-probabilities of a stock, (N, T), some groups at a time."""
    whole_NT = torch.zeros_like(rollouts.logp_NT)
    for row_R in micro_batches(rollouts.group_N, CHUNK):
        part_RT = policy.read(rows_of(rollouts, row_R)).logp_NT
        whole_NT[row_R, : part_RT.shape[1]] = part_RT.float()
    return whole_NT


def _units(learner: Learner, stored: Stored) -> tuple[list[list[int]], dict[str, float]]:
    """Which rows are taken together: the best and the worst of each group as a pair, single labelled completions, or
    whole groups; and curves: how many there are, and the share of groups whose rewards tie, which give no pair."""
    groups: dict[int, list[int]] = {}
    for row, group in enumerate(stored.rollouts.group_N.tolist()):
        if stored.scored.total[row] is not None:
            groups.setdefault(group, []).append(row)
    objective = learner.recipe.objective
    if objective.asks("labelled"):
        units = [[row] for rows in groups.values() for row in rows]
        return units, {"stock/examples": len(units)}
    if not objective.asks("pairs"):
        return list(groups.values()), {"stock/examples": len(groups)}
    pairs = []
    for rows in groups.values():
        ranked = sorted(rows, key=lambda row: -(stored.scored.total[row] or 0.0))
        if stored.scored.total[ranked[0]] != stored.scored.total[ranked[-1]]:
            pairs.append([ranked[0], ranked[-1]])
    return pairs, {"stock/examples": len(pairs), "stock/tied": 1 - len(pairs) / max(1, len(groups))}
