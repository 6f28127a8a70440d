"""A critic: a network of its own that learns what the state behind each token is worth."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.contract.spec import Companion, Optimiser
from workers.engine.batch import Batch, micro_batches
from workers.engine.masks import masked
from workers.engine.optimiser import make_optimiser, put_back, tensors_of
from workers.engine.policy import Policy, make_policy
from workers.engine.ranks import ALONE, Ranks
from workers.engine.tensors import Rollouts
from workers.engine.update import agree, clip, non_finite
from workers.models import loading


class _Valued(torch.nn.Module):
    """A decoder and one linear map from its last hidden state to a number; the map starts at zero."""

    def __init__(self, model: torch.nn.Module, width: int) -> None:
        super().__init__()
        self.body = model
        self.value = torch.nn.Linear(width, 1)
        torch.nn.init.zeros_(self.value.weight)
        torch.nn.init.zeros_(self.value.bias)


@dataclass
class Critic:
    """The critic of a run with its optimiser; both are in the checkpoint."""

    policy: Policy
    network: _Valued
    optimiser: torch.optim.Optimizer
    clip: float
    name: str = "critic"

    @torch.no_grad()
    def values(self, rollouts: Rollouts) -> Tensor:
        """What the state before each chosen token is worth, (N, T), zero outside the mask."""
        nothing = not bool(rollouts.mask_NT.any())
        return torch.zeros_like(rollouts.logp_NT) if nothing else self._read(rollouts)

    def lesson(self, batch: Batch, settings: Optimiser, ranks: Ranks = ALONE) -> "Lesson":
        """What moves values towards the credit's targets, as often as the policy learns from the batch.

        The loss is half the squared error; with a clip the larger of that and of the error of the value held within
        the clip of its old one (Schulman et al., 2017, as in the released PPO).
        """
        count, explained = int(batch.rollouts.mask_NT.sum()), _explained(batch)
        return Lesson(self, batch.rows(ranks.rows(batch.rollouts.group_N)), settings, ranks, max(1, count), explained)

    def tensors(self) -> dict[str, Tensor]:
        """Weights and optimiser state, for the checkpoint."""
        weights = {f"weight.{name}": value.contiguous() for name, value in _untied(self.network).items()}
        return weights | {f"state.{name}": value for name, value in tensors_of(self.optimiser, self.network).items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        weights = {name.removeprefix("weight."): t for name, t in tensors.items() if name.startswith("weight.")}
        self.network.load_state_dict(weights, strict=False)
        state = {name.removeprefix("state."): t for name, t in tensors.items() if name.startswith("state.")}
        put_back(self.optimiser, self.network, state)

    def _read(self, rollouts: Rollouts) -> Tensor:
        value_M: Tensor = self.network.value(self.policy.states(rollouts).float()).squeeze(-1)
        return value_M.new_zeros(rollouts.mask_NT.shape).masked_scatter(rollouts.mask_NT, value_M)

    def loss_NT(self, part: Batch) -> Tensor:
        """The loss of each token, zero outside the mask."""
        assert part.target_NT is not None
        assert part.value_NT is not None
        now_NT = self._read(part.rollouts)
        error_NT = (now_NT - part.target_NT).square()
        if self.clip > 0:
            held_NT = part.value_NT + (now_NT - part.value_NT).clamp(-self.clip, self.clip)
            error_NT = torch.maximum(error_NT, (held_NT - part.target_NT).square())
        return 0.5 * masked(error_NT, part.rollouts.mask_NT)


@dataclass
class Lesson:
    """One batch for the critic: `batch` has this process's rows, `count` are the tokens of all. Each pass is made and
    taken by itself, so that a pass which has no numbers moves neither policy nor critic."""

    critic: Critic
    batch: Batch
    settings: Optimiser
    ranks: Ranks
    count: int
    explained: float
    loss: float = 0.0

    def make(self, groups: int) -> None:
        """The clipped gradient of one pass, with micro-batches of `groups` groups. NonFinite in every process when the
        loss or gradient of any is no number; then nothing has changed."""
        network, total, problem = self.critic.network, 0.0, None
        self.critic.optimiser.zero_grad(set_to_none=True)
        for row_R in micro_batches(self.batch.rollouts.group_N, groups):
            loss_NT = self.critic.loss_NT(self.batch.rows(row_R))
            problem = problem or non_finite("the critic's loss", loss_NT)
            loss = loss_NT.sum() / self.count
            torch.autograd.backward(loss)
            total += float(loss.detach())
        agree(self.ranks, problem)
        self.ranks.add_gradients(list(network.parameters()))
        clip(network, self.settings.clip_norm, "the critic's ")
        self.loss += total / self.settings.passes

    def take(self) -> None:
        """Move by the gradient that was made."""
        self.critic.optimiser.step()
        self.critic.optimiser.zero_grad(set_to_none=True)

    def curves(self) -> dict[str, float]:
        """The mean loss of the passes, and how good the values were before them; all processes must ask."""
        return {"critic/loss": sum(self.ranks.together(self.loss)), "critic/explained": self.explained}


def make_critic(companion: Companion, policy: Policy, device: str) -> Critic:
    """A critic that starts as a copy of the policy's network, or as the companion's model."""
    model = loading.load(companion.model, device).model if companion.model.name else copy.deepcopy(policy.model)
    network = _Valued(model, int(model.config.hidden_size))
    torch.nn.Module.to(network, policy.device)
    # The output matrix over tokens has no part in values: it must not be asked for a gradient.
    own = make_policy(model, 1.0, policy.precision)
    if own.head is not None and not _tied(model):
        own.head.requires_grad_(False)
    return Critic(own, network, make_optimiser(network, Optimiser(companion.learning_rate)), companion.value_clip)


def _tied(model: torch.nn.Module) -> bool:
    return bool(getattr(getattr(model, "config", None), "tie_word_embeddings", False))


def _untied(network: torch.nn.Module) -> dict[str, Tensor]:
    """The weights by name, each memory once: a tied matrix has two names and one content."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, value in network.state_dict().items():
        found.setdefault(value.data_ptr(), (name, value))
    return dict(found.values())


def _explained(batch: Batch) -> float:
    """The share of the targets' variance that the old values explain; 0 where targets do not vary."""
    assert batch.target_NT is not None
    assert batch.value_NT is not None
    mask_NT = batch.rollouts.mask_NT
    target_M, value_M = batch.target_NT[mask_NT], batch.value_NT[mask_NT]
    spread = float(target_M.var(correction=0))
    return 0.0 if spread == 0 else 1.0 - float((target_M - value_M).var(correction=0)) / spread
