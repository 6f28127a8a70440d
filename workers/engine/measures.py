"""The curves of one step, and the clock that times its parts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.contract.answers import CUT_OFF
from workers.engine.agreement import part_means
from workers.engine.batch import Batch
from workers.engine.learner import Learner
from workers.engine.masks import group_equal, masked, masked_mean
from workers.engine.outcome import Outcome
from workers.engine.scoring import Scored
from workers.engine.tensors import Rollouts


@dataclass
class Clock:
    """Seconds of each part of a step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def metrics_of(
    learner: Learner, rollouts: Rollouts, scored: Scored, batch: Batch, outcome: Outcome, clock: Clock
) -> dict[str, float]:
    """The step's numbers by curve (see `METRICS`); those of a skipped update are missing."""
    answers, part = rollouts.answers, batch.rollouts
    rows = [n for n, total in enumerate(scored.total) if total is not None]
    total_N = torch.tensor([scored.total[n] for n in rows], dtype=torch.float32)
    seconds = sum(clock.seconds.values())
    values = {
        "reward/total": float(total_N.mean()),
        "entropy": float(masked_mean(rollouts.streams["entropy"], rollouts.mask_NT)),
        "length": sum(answers.lengths) / len(answers.lengths),
        "dead_groups": _dead_groups(total_N, rollouts.group_N.cpu()[rows]),
        "cut_off": answers.ends.count(CUT_OFF) / len(answers.ends),
        "tokens_per_second": sum(answers.lengths) / seconds,
        "learning_rate": outcome.learning_rate,
        "seconds/step": seconds,
        **{f"seconds/{name}": value for name, value in clock.seconds.items()},
    }
    for objective in learner.objectives:
        found = [value for value in scored.values[objective.label] if value is not None]
        if found:
            values[f"reward/{objective.label}"] = sum(found) / len(found)
    values |= part_means(scored)
    if batch.ref_logp_NT is not None:
        values["kl"] = _kl(batch.ref_logp_NT, part)
    if outcome.tokens:
        values |= {"loss": outcome.loss, "grad_norm": outcome.grad_norm, "mismatch": outcome.mismatch}
        values |= outcome.statistics() | outcome.numbers
        if "objectives/clip_fraction" in values:
            values["clip_fraction"] = values.pop("objectives/clip_fraction")
    if learner.stock is not None:
        # The stock's log-probabilities are those of an older policy: they say nothing of the present one.
        for name in ("mismatch", "entropy", "kl"):
            values.pop(name, None)
    return values


def _dead_groups(total_N: Tensor, group_N: Tensor) -> float:
    equal_N = group_equal(total_N, group_N)
    groups = torch.unique(group_N)
    return len(torch.unique(group_N[equal_N])) / len(groups)


def _kl(ref_logp_NT: Tensor, part: Rollouts) -> float:
    """Mean over tokens of the k3 estimate of KL(policy, reference), nats."""
    difference_NT = masked(ref_logp_NT - part.logp_NT, part.mask_NT)
    return float(masked_mean(difference_NT.expm1() - difference_NT, part.mask_NT))
