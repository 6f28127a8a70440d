"""Makes what methods ask for by naming it, and only what is asked for."""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.kinds import KINDS
from workers.engine import seeds
from workers.engine.adapter import unadapted
from workers.engine.policy import Policy, make_policy
from workers.engine.recipe import Part, Recipe
from workers.engine.references import References
from workers.engine.tensors import Progress, Rollouts


@dataclass
class Supply:
    """The reference policy (None when nobody asks), what its own completions earned, and each method's memory by
    address (and by label, where a method works on several rewards one by one): all outlive a step."""

    seed: int
    reference: Policy | None = None
    memories: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    references: References = field(default_factory=References)

    def call(self, part: Part, progress: Progress, label: str = "", **supplied: object) -> Any:
        """What `part` makes of `supplied`, with its memory handed over and taken back, and a generator of its own.

        Each call moves the memory on by a step. With `label`, that of the one reward it works on, it has another one.
        """
        key = f"{part.address}:{label}" if label else part.address
        made = part(
            memory=self.memories.get(key, {}),
            generator=seeds.generator(self.seed, part.address, progress.step),
            progress=progress,
            **supplied,
        )
        if part.asks("memory"):
            self.memories[key] = {name: tensor.detach() for name, tensor in made.memory.items()}
        return made

    @torch.no_grad()
    def ref_logp(self, rollouts: Rollouts) -> Tensor | None:
        """Log-probabilities under the reference policy, (N, T); None when nobody asks."""
        if self.reference is None:
            return None
        # A selection may leave nothing over; networks cannot read an empty batch.
        nothing = not bool(rollouts.mask_NT.any())
        return torch.zeros_like(rollouts.logp_NT) if nothing else self.reference.read(rollouts).logp_NT


def make_supply(recipe: Recipe, policy: Policy, seed: int, *, adapted: bool = False) -> Supply:
    """What the recipe's parts will ask for; `policy` is the run's model as it was at step 0. `adapted` says that an
    adapter learns: without it the model stays what it was.

    RunError at `spec` when a part names something that its kind cannot have.
    """
    for part in recipe.parts:
        kind = KINDS[part.loaded.method.kind]
        unknown = [name for name in part.loaded.method.needs if name not in kind.data]
        if unknown:
            what = f"{part.address} asks for {', '.join(unknown)}, which the engine does not make."
            raise RunError("spec", what, f"It makes: {', '.join(kind.data)}. Choose another method.")
    if not any(recipe.asks(name) for name in ("ref_logp_NT", "ref_pairs", "ref_labelled", "kl", "ref_values")):
        return Supply(seed)
    if adapted:
        return Supply(seed, unadapted(policy))
    frozen = copy.deepcopy(policy.model).requires_grad_(False)
    return Supply(seed, make_policy(frozen, policy.temperature, policy.precision))
