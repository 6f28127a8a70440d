"""Layers that keep only their input on the way forward and are run again on the way back: memory for time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from workers.contract.errors import RunError


def allow(model: PreTrainedModel) -> None:
    """Prepare the model's layers. RunError at `model` when they are of a kind that cannot be run again."""
    if not _layers(model):
        what = "this model's layers cannot be run again on the way back."
        raise RunError("model", what, "Switch `recompute` off, and take fewer groups a micro-batch.")
    model.activation_checkpointing_enable()


@contextmanager
def recomputed(model: PreTrainedModel) -> Iterator[None]:
    """Let the layers keep only their inputs while the block runs, if they were prepared and gradients are on.

    Transformers asks each layer whether it is in training. The layers alone are told so, not what is in them: there
    must be no dropout.
    """
    layers = _layers(model) if torch.is_grad_enabled() and model.is_activation_checkpointing else []
    for layer in layers:
        layer.training = True
    try:
        yield
    finally:
        for layer in layers:
            layer.training = False


def _layers(model: PreTrainedModel) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
