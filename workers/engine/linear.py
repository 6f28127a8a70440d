"""Matrix products of float32 layers through oneDNN on processors where it is the faster library.

On AMD processors its kernels are a tenth to a quarter faster than MKL's, which torch takes for float32; numbers differ
by rounding only. The choice follows from the machine alone, never from a timing, so that runs repeat bit for bit.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Below so many rows MKL is faster, unless the weights are laid out beforehand.
FEWEST_ROWS = 32
# Weights laid out for sampling are a second copy: no more than 1 GiB of them.
MOST_BYTES = 2**30


@cache
def is_faster() -> bool:
    """Whether this machine gains by oneDNN: MERIT_ONEDNN (0 or 1) when set, else where the processor is AMD's."""
    given = os.environ.get("MERIT_ONEDNN", "")
    if not torch._C._has_mkldnn or given == "0":
        return False
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        described = ""
    return given == "1" or "AuthenticAMD" in described


def _product(x_MX: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b; `weight` may be one that `laid_out` made."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x_MX, weight, bias, "none", [], "")
    return found


class _Linear(torch.autograd.Function):
    """x Wᵀ + b of rows. The way back to x is such a product too; MKL is the better one for the way back to W."""

    @staticmethod
    def forward(ctx: Any, x_MX: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_MX, weight)
        return _product(x_MX, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        grad_MX, (x_MX, weight) = grads[0].contiguous(), ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad
        return (
            _linear(grad_MX, weight.t(), None) if to_x else None,
            grad_MX.t() @ x_MX if to_weight else None,
            grad_MX.sum(dim=0) if to_bias else None,
        )


_linear: Callable[[Tensor, Tensor, Tensor | None], Tensor] = _Linear.apply


class FastLinear(nn.Linear):
    """A linear layer that asks oneDNN where that is exact and faster, and is the plain one everywhere else."""

    laid_out: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ + b over the last axis."""
        if not _fits(x) or not _fits(self.weight):
            return functional.linear(x, self.weight, self.bias)
        if self.laid_out is not None and not torch.is_grad_enabled():
            return _product(x, self.laid_out, self.bias)
        rows = x.numel() // x.shape[-1]
        if rows < FEWEST_ROWS:
            return functional.linear(x, self.weight, self.bias)
        out_MX = _linear(x.reshape(rows, x.shape[-1]), self.weight, self.bias)
        return out_MX.view(*x.shape[:-1], out_MX.shape[-1])


def _fits(x: Tensor) -> bool:
    return x.dtype is torch.float32 and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


def quicken(model: nn.Module) -> None:
    """Let the model's plain linear layers ask oneDNN where this machine gains by it. Weights stay where they are."""
    if is_faster():
        for module in model.modules():
            if type(module) is nn.Linear:
                module.__class__ = FastLinear


@contextmanager
def laid_out(model: nn.Module, rows: int) -> Iterator[None]:
    """While it lasts, weights are also kept as products of `rows` rows like them best; they must not change."""
    layers = [module for module in model.modules() if isinstance(module, FastLinear) and _fits(module.weight)]
    if sum(layer.weight.nbytes for layer in layers) > MOST_BYTES:
        layers = []
    try:
        for layer in layers:
            layer.laid_out = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), rows)
        yield
    finally:
        for layer in layers:
            layer.laid_out = None
