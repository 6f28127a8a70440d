"""Held-out rewards of the present policy: one completion a prompt, the same prompts and dice each time, and rewards
without the noise that some of them have for training."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import sqrt

from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.contract.events import Event
from workers.contract.resources import Served
from workers.engine import seeds
from workers.engine.boundary import boundary
from workers.engine.learner import Learner
from workers.engine.patient import PAUSE
from workers.engine.rollout import roll_out
from workers.engine.scoring import score
from workers.engine.served import roll_out_served
from workers.engine.tensors import Rollouts


def evaluate(
    learner: Learner, step: int, report: Callable[[str, int, int], None]
) -> tuple[list[Event], dict[str, float]]:
    """The `front` event of a step (mean and standard error of each reward) after the troubles of rewards that failed
    on some completions, and its `heldout/` curves.

    Noise depends on the run's seed alone: two evaluations differ by the policy and by nothing else.
    """
    spec = learner.spec
    problems = learner.source.heldout(spec.budget.eval_prompts)
    rows = spec.batch_prompts * spec.siblings
    found: dict[str, list[float]] = {objective.label: [] for objective in learner.objectives}
    troubles: list[Event] = []
    for start in range(0, len(problems), rows):
        report("evaluating", start, len(problems))
        part = problems[start : start + rows]
        noise = seeds.generator(spec.seed, "evaluation", start)
        rollouts = roll_out(learner, part, (1,) * len(part), noise, step)
        with boundary("reward", step=step):
            judge = partial(score, learner.objectives, _looked_at(rollouts), step, part=True)
            scored = learner.ranks.first(judge)
        troubles += scored.troubles
        for label, values in scored.values.items():
            found[label] += [value for value in values if value is not None]
    _refuse_useless(troubles, len(problems))
    means = {label: sum(values) / len(values) for label, values in found.items() if values}
    errors = {label: standard_error(values) for label, values in found.items() if values}
    curves = {f"heldout/{label}": mean for label, mean in means.items()}
    first = learner.objectives[0].label
    if first in means:
        curves["heldout/accuracy"] = means[first]
    return [*troubles, Event(step, "front", {"values": means, "errors": errors})], curves


def _refuse_useless(troubles: list[Event], count: int) -> None:
    """A reward that failed on all held-out completions is a mistake; one that failed on all of a part of them, which
    may be a single one, is not."""
    failed: Counter[str] = Counter()
    for event in troubles:
        evidence = event.data["evidence"]
        failed[evidence["label"]] += evidence["count"]
        if failed[evidence["label"]] == count:
            raise RunError("reward", f"{event.data['what']} (and so on all held-out completions)", "", evidence)


def evaluate_served(
    learner: Learner, served: Served, report: Callable[[str, int, int], None], pause: float = PAUSE
) -> dict[str, float]:
    """The `served/` curves: held-out rewards of the model that a server holds, on the same prompts as the policy's."""
    problems = learner.source.heldout(learner.spec.budget.eval_prompts)
    report("asking the server", 0, len(problems))
    with boundary("sampling"):
        rollouts = roll_out_served(learner, served, problems, 1, "evaluation", 0, pause=pause)
    with boundary("reward"):
        scored = score(learner.objectives, _looked_at(rollouts), 0)
    report("asking the server", len(problems), len(problems))
    found = {label: [value for value in values if value is not None] for label, values in scored.values.items()}
    return {f"served/{label}": sum(values) / len(values) for label, values in found.items() if values}


def _looked_at(rollouts: Rollouts) -> Answers:
    """Completions that nobody learns from: noise that a reward has for training would only blur what is measured."""
    return replace(rollouts.answers, held_out=True)


def standard_error(values: list[float]) -> float:
    """The standard error of the mean of independent values; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
