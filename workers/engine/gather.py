"""Completions for one step: how many of each prompt, sampled, scored, and whatever else selections wish for."""

from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor

from workers.contract.answers import Problem
from workers.contract.errors import RunError
from workers.engine import seeds
from workers.engine.batch import joined, rows_of
from workers.engine.boundary import boundary
from workers.engine.learner import Learner
from workers.engine.measures import Clock
from workers.engine.recipe import Recipe
from workers.engine.referring import reference_values
from workers.engine.rewarding import Rewards, shaped
from workers.engine.rollout import roll_out
from workers.engine.scoring import Scored, score
from workers.engine.tensors import Ahead, Candidates, Progress, Rollouts, Selection
from workers.engine.wishes import Added, Round, fulfil

MOST_ROUNDS = 16
Memories = dict[str, dict[str, Tensor]]


@dataclass(frozen=True)
class Gathered:
    """All completions of a step with their problems, rewards and tags (−1: none), one a row."""

    rollouts: Rollouts
    problems: tuple[Problem, ...]
    scored: Scored
    tag_N: Tensor


@dataclass(frozen=True)
class Chosen:
    """The rows that are learned from: their indices, completions, rewards, tags and weights, and the selections'
    statistics by curve."""

    row_R: Tensor
    rollouts: Rollouts
    rewards: Rewards
    tag_N: Tensor
    weight_N: Tensor
    statistics: dict[str, float]


def gather(learner: Learner, recipe: Recipe, step: int, progress: Progress, clock: Clock) -> Gathered:
    """The step's first completions, as many of each prompt as a selection plans, and their rewards."""
    spec = learner.spec
    problems = learner.source.batch(step, spec.batch_prompts)
    with clock.part("sample"), boundary("sampling", step=step):
        counts = _budgets(learner, recipe, problems, progress)
        noise = seeds.generator(spec.seed, "sampling", step)
        rollouts = roll_out(learner, problems, counts, noise, step - 1)
    with clock.part("reward"), boundary("reward", step=step):
        scored = learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step))
    each = tuple(problem for problem, count in zip(problems, counts, strict=True) for _ in range(count))
    return Gathered(rollouts, each, scored, torch.full_like(rollouts.group_N, -1))


def _budgets(learner: Learner, recipe: Recipe, problems: list[Problem], progress: Progress) -> tuple[int, ...]:
    counts = (learner.spec.siblings,) * len(problems)
    for part in recipe.selects("prompts"):
        past_PH, drawn_P = learner.history.ahead([problem.prompt for problem in problems])
        made = learner.supply.call(part, progress, prompts=Ahead(past_PH, drawn_P, learner.spec.siblings))
        counts = tuple(int(count) for count in made.count_P)
    if sum(counts) == 0:
        raise RunError("sampling", "the selection plans no completion for any prompt.", "Raise its least number.")
    return counts


def choose(
    learner: Learner, recipe: Recipe, gathered: Gathered, progress: Progress, clock: Clock
) -> tuple[Gathered, Chosen]:
    """What is learned from: everything that wishes brought is added, then rows with weight 0 are left out."""
    step, memories = progress.step, dict(learner.supply.memories)
    statistics: dict[str, float] = {}
    rounds = count()
    rewards = _shaped(learner, recipe, gathered, progress, clock)
    weight_N = torch.ones(len(gathered.tag_N), device=gathered.tag_N.device)
    for part in recipe.selects("candidates"):
        for number in range(MOST_ROUNDS):
            row_R = (rewards.valid_N & (weight_N > 0)).nonzero().squeeze(1)
            seen = rows_of(gathered.rollouts, row_R)
            candidates = Candidates(seen, rewards.total_N[row_R], gathered.tag_N[row_R], progress, number)
            made: Selection = learner.supply.call(part, progress, candidates=candidates)
            statistics |= {f"selection/{name}": value for name, value in made.statistics.items()}
            if not made.wishes:
                break
            with clock.part("sample"), boundary("sampling", part.address, step=step):
                wishes = [replace(w, copy=int(row_R[w.copy])) if w.copy >= 0 else w for w in made.wishes]
                now = Round(gathered.rollouts, gathered.problems, progress, next(rounds))
                added = fulfil(learner, now, wishes)
            gathered = _with(learner, gathered, added, step, clock)
            weight_N = torch.cat([weight_N, weight_N.new_ones(len(added[1]))])
            _forget_shaping(learner, memories)
            rewards = _shaped(learner, recipe, gathered, progress, clock)
        else:
            what = f"{part.address} still wished for completions after {MOST_ROUNDS} rounds."
            raise RunError("sampling", what, "Allow it fewer rounds.")
        assert made.weight_N is not None, f"{part.address} gave no weights"
        weight_N = weight_N.index_put((row_R,), weight_N[row_R] * made.weight_N.to(weight_N.dtype))
    row_R = (rewards.valid_N & (weight_N > 0)).nonzero().squeeze(1)
    if not bool(rewards.valid_N.any()):
        what = "no reward applies to any completion of this step."
        raise RunError("reward", what, "Add a reward that says something about each completion.", {"step": step})
    kept = rows_of(gathered.rollouts, row_R)
    chosen = Chosen(row_R, kept, rewards.rows(row_R), gathered.tag_N[row_R], weight_N[row_R], statistics)
    return gathered, chosen


def _shaped(learner: Learner, recipe: Recipe, gathered: Gathered, progress: Progress, clock: Clock) -> Rewards:
    """The rewards after shaping; the reference's are sampled only where a method asks for them."""

    def ref_values(most: int) -> Tensor:
        with clock.part("sample"):
            return reference_values(learner, gathered.problems, progress.step, most, gathered.scored.troubles)

    return shaped(learner, recipe, gathered.scored, gathered.rollouts, progress, ref_values)


def _forget_shaping(learner: Learner, memories: Memories) -> None:
    """Put shaping's memories back to what they were when the step began, also those that were not there yet: a step
    shapes its rewards once, however often they are looked at."""
    others = {address: memory for address, memory in learner.supply.memories.items() if not _is_shaping(address)}
    before = {address: memory for address, memory in memories.items() if _is_shaping(address)}
    learner.supply.memories = others | before


def _is_shaping(address: str) -> bool:
    return address.startswith("shaping/")


def _with(learner: Learner, gathered: Gathered, added: Added, step: int, clock: Clock) -> Gathered:
    """The rows and those that a wish brought, scored as the others were."""
    rollouts, problems, tag_N = added
    with clock.part("reward"), boundary("reward", step=step):
        scored = learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step, part=True))
    return Gathered(
        joined(gathered.rollouts, rollouts),
        gathered.problems + problems,
        gathered.scored.joined(scored),
        torch.cat([gathered.tag_N, tag_N]),
    )
