"""One step of learning: problems, completions, rewards, credit, update, record."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.contract.events import Event
from workers.engine import seeds
from workers.engine.batch import Batch
from workers.engine.boundary import boundary
from workers.engine.crediting import Credited, credited
from workers.engine.gather import Chosen, Gathered, choose, gather
from workers.engine.learner import Learner
from workers.engine.measures import Clock, metrics_of
from workers.engine.outcome import Outcome
from workers.engine.preferring import curves, gather_stored, mismatched_kl
from workers.engine.recipe import Recipe
from workers.engine.record import table_of
from workers.engine.scarcity import halved, out_of_memory
from workers.engine.store import Table
from workers.engine.tensors import Progress, Rollouts
from workers.engine.update import NonFinite, OutOfMemory, update


@dataclass
class Step:
    """What one step gave: its completions as a table, its curves, and what went wrong without ending the run.
    `broken` is set when the update was skipped because of a non-number."""

    table: Table
    metrics: dict[str, float]
    troubles: list[Event]
    broken: NonFinite | None = None


def take_step(learner: Learner, step: int) -> Step:
    """Make step `step` (1 is the first). RunError when it cannot be made."""
    spec, clock, progress = learner.spec, Clock(), Progress(step, learner.spec.budget.steps)
    seeds.settle(spec.seed, step)
    recipe = learner.recipe.at(progress.share)
    if learner.stock is None:
        gathered = gather(learner, recipe, step, progress, clock)
    else:
        with clock.part("sample"):
            gathered = gather_stored(learner, step)
    gathered, chosen = choose(learner, recipe, gathered, progress, clock)
    with clock.part("update"):
        found = credited(learner, recipe, chosen, progress)
        if recipe.objective.asks("kl"):
            found = replace(found, batch=replace(found.batch, kl=mismatched_kl(learner, found.batch.rollouts)))
        outcome, broken = _updated(learner, recipe, found.batch)
    _remember(learner, gathered)
    if recipe.selection:
        found.statistics["selection/kept"] = len(found.row_R) / len(gathered.problems)
    if learner.stock is not None:
        found.statistics.update(curves(found.batch, outcome) | learner.stock.figures)
    streams = _streams(found, outcome, gathered.rollouts) | _arising(learner, chosen, gathered.rollouts)
    metrics = metrics_of(learner, gathered.rollouts, gathered.scored, found.batch, outcome, clock) | found.statistics
    table = table_of(learner, gathered.rollouts, list(gathered.problems), gathered.scored, streams, step)
    troubles = gathered.scored.troubles + _skipped(broken, found.batch, step) + halved(learner, found.batch, outcome)
    return Step(table, metrics, troubles, broken)


def _updated(learner: Learner, recipe: Recipe, batch: Batch) -> tuple[Outcome, NonFinite | None]:
    """The update of the policy, and of the critic where there is one; nothing at all when nothing was selected."""
    if not len(batch.reward_N):
        return Outcome(), None
    with boundary("update", step=batch.progress.step):
        settings = replace(learner.spec.optimiser, micro_groups=learner.micro_groups)
        lesson = None
        if learner.critic is not None and batch.target_NT is not None:
            lesson = learner.critic.lesson(batch, settings, learner.ranks)
        try:
            parts = (learner.policy, learner.optimiser, recipe, batch, settings, learner.ranks, lesson)
            outcome = update(*parts, may_halve=not learner.halved)
        except NonFinite as error:
            return Outcome(), error
        except OutOfMemory as error:
            raise out_of_memory(learner, batch, error.groups) from error
        learner.halved = learner.halved or outcome.halved
        if lesson is not None:
            outcome.numbers |= lesson.curves()
    return outcome, None


def _remember(learner: Learner, gathered: Gathered) -> None:
    """Note what each prompt earned, for selections that plan ahead: only what the policy did by itself is experience.

    What a wish added to a group (a demonstration, a copy, a completion with help) is none. A whole new prompt that was
    wished for is: its completions were sampled as all others are.
    """
    if not learner.recipe.selects("prompts"):
        return
    groups, tags = gathered.rollouts.group_N.tolist(), gathered.tag_N.tolist()
    began: dict[int, int] = {}  # the tag of each group's first row: what is added later stands behind it
    for group, tag in zip(groups, tags, strict=True):
        began.setdefault(group, tag)
    own = [
        (gathered.problems[n].prompt, total)
        for n, total in enumerate(gathered.scored.total)
        if total is not None and tags[n] == began[groups[n]]
    ]
    learner.history.add([prompt for prompt, _ in own], [total for _, total in own])


def _skipped(broken: NonFinite | None, batch: Batch, step: int) -> list[Event]:
    if broken is None:
        what = "nothing was selected in this step, so nothing was learned."
        data = {"where": "update", "what": what, "mend": "Loosen the selection.", "evidence": {"step": step}}
        return [] if len(batch.reward_N) else [Event(step, "trouble", data)]
    evidence = {"step": step, "tensor": broken.tensor, "share": broken.share}
    mend = "If it happens again, lower the learning rate or the clip range."
    what = f"the update was skipped: {broken}."
    return [Event(step, "trouble", {"where": "update", "what": what, "mend": mend, "evidence": evidence})]


def _streams(credit: Credited, outcome: Outcome, rollouts: Rollouts) -> dict[str, Tensor]:
    """Every stream over all rows, zero on those that were left out of the update."""
    batch = credit.batch
    found = {
        **{name: value_NT for name, value_NT in outcome.streams.items() if name not in ("ratio", "push")},
        "reward": batch.rollouts.streams["reward"],
        # A comparison has no advantages; what it does to each token is the loss's slope there, an example at a time.
        "advantage": outcome.streams.get("push", batch.advantage_NT),
        "ratio": outcome.streams.get("ratio", torch.ones_like(batch.advantage_NT)),
    }
    optional = {"ref_logp": batch.ref_logp_NT, "value": batch.value_NT, "target": batch.target_NT}
    found |= {name: value_NT for name, value_NT in optional.items() if value_NT is not None}
    if bool((batch.weight_NT[batch.rollouts.mask_NT] == 0).any()):
        found["learned"] = (batch.weight_NT != 0).float()
    streams = {"logp": rollouts.logp_NT, **rollouts.streams}
    for name, value_RT in found.items():
        whole_NT = torch.zeros(rollouts.mask_NT.shape, device=value_RT.device)
        whole_NT[credit.row_R, : value_RT.shape[1]] = value_RT.float()
        streams[name] = whole_NT
    return streams


def _arising(learner: Learner, chosen: Chosen, rollouts: Rollouts) -> dict[str, Tensor]:
    """Where each dense reward arises, before shaping and weights, as `reward.<label>`."""
    found = {}
    for k, value_RT in chosen.rewards.dense.items():
        whole_NT = torch.zeros(rollouts.mask_NT.shape, device=value_RT.device)
        whole_NT[chosen.row_R, : value_RT.shape[1]] = value_RT
        found[f"reward.{learner.objectives[k].label}"] = whole_NT
    return found
