"""One step of learning: problems, completions, rewards, credit, update, record."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.contract.answers import Problem
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.engine import seeds
from workers.engine.batch import Batch, rows_of
from workers.engine.boundary import boundary
from workers.engine.learner import Learner
from workers.engine.masks import on_last_token
from workers.engine.measures import Clock, metrics_of
from workers.engine.record import table_of
from workers.engine.rollout import roll_out
from workers.engine.scoring import Scored, score
from workers.engine.store import Table
from workers.engine.tensors import Rollouts
from workers.engine.update import NonFinite, Outcome, update


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
    spec, clock = learner.spec, Clock()
    seeds.settle(spec.seed, step)
    problems = learner.source.batch(step, spec.batch_prompts)
    with clock.part("sample"), boundary("sampling", step=step):
        noise = seeds.generator(spec.seed, "sampling", step)
        rollouts = roll_out(learner, problems, spec.siblings, noise, step - 1)
    with clock.part("reward"), boundary("reward", step=step):
        scored = score(learner.objectives, rollouts.answers, step)
    with clock.part("update"):
        kept, batch = _credited(learner, rollouts, scored, step)
        outcome, broken = _updated(learner, batch, step)
    streams = _streams(batch, outcome, kept, rollouts)
    metrics = metrics_of(learner, rollouts, scored, batch, outcome, clock)
    table = table_of(learner, rollouts, _each(problems, spec.siblings), scored, streams, step)
    return Step(table, metrics, scored.troubles + _skipped(broken, step), broken)


def _each(problems: list[Problem], siblings: int) -> list[Problem]:
    return [problem for problem in problems for _ in range(siblings)]


def _credited(learner: Learner, rollouts: Rollouts, scored: Scored, step: int) -> tuple[Tensor, Batch]:
    """The rows that some reward spoke about, and their batch: a row without any must not move its group's mean."""
    valid = [n for n, total in enumerate(scored.total) if total is not None]
    if not valid:
        what = "no reward applies to any completion of this step."
        raise RunError("reward", what, "Add a reward that says something about each completion.", {"step": step})
    kept = torch.tensor(valid, device=rollouts.token_NT.device)
    part = rows_of(rollouts, kept)
    total_N = torch.tensor([scored.total[n] for n in valid], dtype=torch.float32, device=kept.device)
    with boundary("credit", step=step):
        reward_NT = on_last_token(total_N, part.mask_NT)
        credit = learner.supply.credit(learner.recipe.credit, part, reward_NT, step)
    with boundary("update", step=step):
        weight_NT = learner.recipe.reduction(mask_NT=part.mask_NT)
        part = replace(part, streams={**part.streams, "reward": reward_NT})
        return kept, Batch(part, credit.advantage_NT, weight_NT, learner.supply.ref_logp(part))


def _updated(learner: Learner, batch: Batch, step: int) -> tuple[Outcome, NonFinite | None]:
    settings = learner.spec.optimiser
    with boundary("update", step=step):
        try:
            return update(learner.policy, learner.optimiser, learner.recipe, batch, settings, step), None
        except NonFinite as error:
            return Outcome(), error


def _skipped(broken: NonFinite | None, step: int) -> list[Event]:
    if broken is None:
        return []
    evidence = {"step": step, "tensor": broken.tensor, "share": broken.share}
    mend = "If it happens again, lower the learning rate or the clip range."
    what = f"the update was skipped: {broken}."
    return [Event(step, "trouble", {"where": "update", "what": what, "mend": mend, "evidence": evidence})]


def _streams(batch: Batch, outcome: Outcome, kept: Tensor, rollouts: Rollouts) -> dict[str, Tensor]:
    """Every stream over all rows, zero on those that were left out of the update."""
    found = {
        **{name: value_NT for name, value_NT in outcome.streams.items() if name != "ratio"},
        "reward": batch.rollouts.streams["reward"],
        "advantage": batch.advantage_NT,
        "ratio": outcome.streams.get("ratio", torch.ones_like(batch.advantage_NT)),
    }
    if batch.ref_logp_NT is not None:
        found["ref_logp"] = batch.ref_logp_NT
    streams = {"logp": rollouts.logp_NT, **rollouts.streams}
    for name, value_RT in found.items():
        whole_NT = torch.zeros(rollouts.mask_NT.shape, device=value_RT.device)
        whole_NT[kept, : value_RT.shape[1]] = value_RT.float()
        streams[name] = whole_NT
    return streams
