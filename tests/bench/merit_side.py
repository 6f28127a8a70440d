"""Merit's side of the bench: the engine's own step on a run's document, its rows stored as in a run."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.workload import LEARNING_RATE, NEW_TOKENS, PATTERN, Case, write_prompts
from workers.contract.spec import Model, Optimiser, Pick, Prompts, RewardPick, RunSpec
from workers.engine.learner import Learner, make_learner
from workers.engine.step import take_step


@dataclass(frozen=True)
class Taken:
    """One step: seconds in all, those of them that were neither sampling, rewards nor update, and the mean length."""

    seconds: float
    bookkeeping: float
    length: float


class MeritSide:
    """A learner that takes one step at a time."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.folder, self.number = folder, 0
        self.learner: Learner = make_learner(_spec(folder, case), lambda *_: None)

    def step(self) -> Taken:
        """Take the next step and store its rows."""
        self.number += 1
        return take(self.learner, self.folder, self.number)

    def prompt_tokens(self) -> int:
        """Tokens of the prompts of the last step, each prompt once."""
        problems = self.learner.source.batch(self.number, self.learner.spec.batch_prompts)
        return sum(map(len, self.learner.encode([problem.prompt for problem in problems])))


def take(learner: Learner, folder: Path, number: int) -> Taken:
    """Take one step of a run and store its rows."""
    start = time.perf_counter()
    made = take_step(learner, number)
    (folder / "rollouts.parquet").write_bytes(made.table.content())
    seconds = time.perf_counter() - start
    return Taken(seconds, seconds - made.metrics["seconds/step"], made.metrics["length"])


def _spec(folder: Path, case: Case) -> RunSpec:
    return RunSpec(
        name=case.name,
        model=Model(str(folder / "model")),
        prompts=Prompts(path=str(write_prompts(folder / "prompts.jsonl"))),
        rewards=(RewardPick("pattern", "format", {"pattern": PATTERN, "match": "anywhere"}),),
        credit=Pick("credit", "grpo"),
        objective=Pick("objectives", "ppo_clip"),
        reduction=Pick("reductions", "token_mean"),
        regularisers=(Pick("regularisers", "kl_k3", {"coef": case.beta}),) if case.beta else (),
        batch_prompts=case.size.prompts,
        siblings=case.size.siblings,
        max_new_tokens=NEW_TOKENS,
        optimiser=Optimiser(learning_rate=LEARNING_RATE),
    )
