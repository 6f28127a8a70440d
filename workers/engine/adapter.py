"""A low-rank adapter: matrices that learn beside linear layers whose own weights stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from workers.contract.errors import RunError
from workers.contract.resources import Lora
from workers.engine import seeds
from workers.engine.policy import Policy
from workers.engine.tensors import Pass, Rollouts

FILE = "adapter_model.safetensors"


def adapt(model: PreTrainedModel, lora: Lora, seed: int) -> None:
    """Give the model an adapter that changes nothing yet, and let nothing else learn. RunError at `spec` when no layer
    has a name that ends as the adapter's targets say."""
    from peft import LoraConfig  # not before a run has an adapter: it takes a second

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=lora.layers() or "all-linear",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "adapter"))
        try:
            model.add_adapter(config)
        except ValueError as error:
            what = f"the adapter fits no layer: {str(error).splitlines()[0][:200]}"
            raise RunError("spec", what, "Leave its targets empty: it then fits every model.") from error
    torch.nn.Module.eval(model)


def restore(model: PreTrainedModel, folder: str) -> None:
    """Put the matrices of a checkpoint into the model's adapter. RunError at `checkpoint` when they are others."""
    from peft import set_peft_model_state_dict

    done: Any = set_peft_model_state_dict(model, load_file(Path(folder) / FILE))
    if done.unexpected_keys:
        what = f"its adapter has matrices that this one has not: {', '.join(done.unexpected_keys[:3])}"
        raise RunError("checkpoint", what, "Clone the run to go on with another adapter.")


@contextmanager
def without(model: PreTrainedModel) -> Iterator[None]:
    """The model as it was before it had an adapter, while the block runs."""
    model.disable_adapters()
    try:
        yield
    finally:
        model.enable_adapters()


@dataclass(frozen=True)
class Unadapted(Policy):
    """The policy without its adapter: the model of step 0, without a second copy of its weights."""

    def read(self, rollouts: Rollouts) -> Pass:
        """See `Policy.read`; no gradient comes back."""
        with without(self.model), torch.no_grad():
            return super().read(rollouts)

    def states(self, rollouts: Rollouts) -> Tensor:
        """See `Policy.states`; no gradient comes back."""
        with without(self.model), torch.no_grad():
            return super().states(rollouts)


def unadapted(policy: Policy) -> Unadapted:
    """The reference of a policy that learns by an adapter."""
    return Unadapted(policy.model, policy.temperature, policy.precision, policy.head, policy.packs)
