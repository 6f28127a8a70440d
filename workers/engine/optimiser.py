"""AdamW with a warm-up and a decay, and its state as named tensors for checkpoints."""

from math import cos, pi

import torch
from torch import Tensor

from workers.contract.spec import Optimiser
from workers.engine.tensors import Progress


def make_optimiser(model: torch.nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """AdamW over all weights that learn; decay on matrices only, as usual."""
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in learning if weight.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in learning if weight.dim() < 2], "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)


def rate_at(settings: Optimiser, progress: Progress) -> float:
    """The learning rate of a step: a straight rise over the warm-up, then level, or falling towards 0 at the end."""
    rise = 1.0 if settings.warmup_steps == 0 else min(1.0, progress.step / settings.warmup_steps)
    left = max(1, progress.steps - settings.warmup_steps)
    done = max(0, progress.step - 1 - settings.warmup_steps) / left
    fall = {"none": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + cos(pi * done))}[settings.decay]
    return settings.learning_rate * rise * fall


def tensors_of(optimiser: torch.optim.Optimizer, model: torch.nn.Module) -> dict[str, Tensor]:
    """The optimiser's state as named tensors: `<weight>:<kind>`."""
    names: dict[Tensor, str] = {weight: name for name, weight in model.named_parameters()}
    found = {}
    for weight, values in optimiser.state.items():
        for kind, value in values.items():
            found[f"{names[weight]}:{kind}"] = value.detach().contiguous()
    return found


def put_back(optimiser: torch.optim.Optimizer, model: torch.nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give the optimiser the state that `tensors_of` gave."""
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, kind = key.rpartition(":")
        by_name.setdefault(name, {})[kind] = tensor
    names = {weight: name for name, weight in model.named_parameters()}
    order = [weight for group in optimiser.param_groups for weight in group["params"]]
    document = optimiser.state_dict()
    document["state"] = {n: by_name[names[weight]] for n, weight in enumerate(order) if names[weight] in by_name}
    optimiser.load_state_dict(document)
