"""All that a run holds between two steps, and how it is put together from its spec."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.spec import Model, RunSpec
from workers.engine import adapter, recompute, shards
from workers.engine.critic import Critic, make_critic
from workers.engine.history import History
from workers.engine.judges import Objective, make_objectives
from workers.engine.optimiser import make_optimiser
from workers.engine.pieces import Pieces
from workers.engine.policy import Policy, make_policy
from workers.engine.prompts import FileSource, Source, make_source
from workers.engine.ranks import ALONE, Ranks
from workers.engine.recipe import Recipe, make_recipe
from workers.engine.sampler import Plan
from workers.engine.stock import Stock
from workers.engine.supply import Supply, make_supply
from workers.models import loading


class Keeper(Protocol):
    """A part of the learner that has a past of its own."""

    @property
    def name(self) -> str:
        """The name of its file in a checkpoint."""

    def tensors(self) -> dict[str, Tensor]:
        """Its state."""

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""


@dataclass
class Learner:
    """The run's parts. `policy`, `optimiser`, `supply.memories` and the keepers change; the rest does not, save
    `halved`: the number of groups a micro-batch has since memory ran out (0: as the spec says)."""

    spec: RunSpec
    loaded: loading.Loaded
    pieces: Pieces
    policy: Policy
    optimiser: torch.optim.Optimizer
    recipe: Recipe
    objectives: tuple[Objective, ...]
    source: Source
    supply: Supply
    history: History
    critic: Critic | None = None
    ranks: Ranks = ALONE
    halved: int = 0
    stock: Stock | None = None

    @property
    def micro_groups(self) -> int:
        """The number of groups a micro-batch has now (0: all of them)."""
        return self.halved or self.spec.optimiser.micro_groups

    def keepers(self) -> list[Keeper]:
        """What else goes into a checkpoint, beside the policy, its optimiser and the methods' memories."""
        references = self.supply.references if self.recipe.asks("ref_values") else None
        return [one for one in (self.history, self.critic, self.stock, references) if one is not None]

    @property
    def end(self) -> list[int]:
        """The token that ends a completion which somebody else wrote, alone in a list: of those that end one, the
        tokenizer's own where it has one (a chat model's settings name others besides). Empty where no token does."""
        own = self.loaded.tokenizer.eos_token_id
        return [int(own)] if own in self.loaded.ends else list(self.loaded.ends[:1])

    def plan(self, siblings: int | tuple[int, ...]) -> Plan:
        """How this run samples."""
        return Plan(siblings, self.spec.max_new_tokens, self.loaded.ends, self.loaded.pad)

    def encode(self, prompts: list[str]) -> list[list[int]]:
        """Token ids of prompts, each with room for a completion; RunError at `data` for one that has not."""
        ids = self.loaded.encode(prompts)
        empty = [prompt for prompt, row in zip(prompts, ids, strict=True) if not row]
        if empty:
            raise RunError("data", f"the prompt {empty[0]!r} has no tokens.", "Leave it out.", {"prompt": empty[0]})
        loading.check_length(self.loaded, ids, prompts, self.spec.max_new_tokens)
        return ids


def make_learner(spec: RunSpec, report: Callable[[str, int, int], None], ranks: Ranks = ALONE) -> Learner:
    """The learner at step 0, of this process among `ranks`. `report(phase, done, total)` is told how loading goes."""
    report("loading", 0, 3)
    recipe, objectives = make_recipe(spec), make_objectives(spec.rewards, spec.seed, spec.budget.steps)
    source = make_source(spec.prompts, spec.seed)
    report("loading", 1, 3)
    loaded = loading.load(spec.model, device())
    if spec.lora is not None:
        adapter.adapt(loaded.model, spec.lora, spec.seed)
    if spec.optimiser.recompute:
        recompute.allow(loaded.model)
    report("loading", 2, 3)
    policy = make_policy(loaded.model, spec.temperature, spec.precision)
    supply = make_supply(recipe, policy, spec.seed, adapted=spec.lora is not None)
    critics = [make_critic(one, policy, device()) for one in spec.companions if one.role == "critic"]
    if spec.sharded:  # not before the other models have taken their copies
        shards.shard(policy.model, ranks)
    optimiser = make_optimiser(policy.model, spec.optimiser)
    shards.gather(policy.model)
    pieces, history = Pieces(loaded.tokenizer), History()
    critic = critics[0] if critics else None
    learner = Learner(
        spec, loaded, pieces, policy, optimiser, recipe, objectives, source, supply, history, critic, ranks
    )
    learner.stock = None if spec.pool is None else Stock(spec.seed, device=device())
    if isinstance(source, FileSource):
        # A prompt that is too long is found now, not in the middle of the run.
        learner.encode([problem.prompt for problem in (*source.train, *source.held)])
    report("loading", 3, 3)
    return learner


def reload_policy(learner: Learner, folder: str) -> None:
    """Put the weights of a checkpoint into the policy; the reference stays the model of step 0."""
    if learner.spec.lora is not None:
        adapter.restore(learner.policy.model, folder)
        return
    saved = loading.load(Model(folder), device()).model.state_dict()
    if learner.spec.sharded:
        shards.put_weights(learner.policy.model, saved)
    else:
        learner.policy.model.load_state_dict(saved)


def device() -> str:
    """Where runs are computed on this machine."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def threads() -> int:
    """Processor threads of a run: MERIT_THREADS, or all cores but one, which web and database need."""
    given = os.environ.get("MERIT_THREADS", "")
    return max(1, int(given) if given.isdecimal() else len(os.sched_getaffinity(0)) - 1)
