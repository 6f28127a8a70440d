"""Makes what methods ask for by naming it, and only what is asked for."""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.kinds import KINDS
from workers.engine import seeds
from workers.engine.policy import Policy, make_policy
from workers.engine.recipe import Part, Recipe
from workers.engine.tensors import Credit, Rollouts

MADE = ("ref_logp_NT", "memory", "generator")


@dataclass
class Supply:
    """The reference policy (None when nobody asks), and each method's memory by address: both outlive a step."""

    seed: int
    reference: Policy | None = None
    memories: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def credit(self, part: Part, rollouts: Rollouts, reward_NT: Tensor, step: int) -> Credit:
        """The credit of one step; the method's memory is handed over and taken back."""
        credit: Credit = part(
            rollouts=rollouts,
            reward_NT=reward_NT,
            memory=self.memories.get(part.address, {}),
            generator=seeds.generator(self.seed, part.address, step),
        )
        if part.asks("memory"):
            self.memories[part.address] = {name: tensor.detach() for name, tensor in credit.memory.items()}
        return credit

    @torch.no_grad()
    def ref_logp(self, rollouts: Rollouts) -> Tensor | None:
        """Log-probabilities under the reference policy, (N, T); None when nobody asks."""
        return None if self.reference is None else self.reference.read(rollouts).logp_NT


def make_supply(recipe: Recipe, policy: Policy, seed: int) -> Supply:
    """What the recipe's parts will ask for; `policy` is the run's model as it was at step 0.

    RunError at `spec` when a part names something that the engine does not make.
    """
    for part in recipe.parts:
        kind = KINDS[part.loaded.method.kind]
        unknown = [name for name in part.loaded.method.needs if name not in kind.given and name not in MADE]
        if unknown:
            what = f"{part.address} asks for {', '.join(unknown)}, which the engine does not make."
            raise RunError("spec", what, f"It makes: {', '.join(MADE)}. Choose another method.")
    if not recipe.asks("ref_logp_NT"):
        return Supply(seed)
    frozen = copy.deepcopy(policy.model).requires_grad_(False)
    return Supply(seed, make_policy(frozen, policy.temperature, policy.precision))
