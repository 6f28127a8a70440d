"""What stands between the values of a formula and around them, with gradients that are numbers.

Where a function has no finite value or slope (a logarithm at 0, a root at 0, a division by 0) the value is what it is
and the gradient 0: so `where(x > 0, log(x), 0)` has its right gradient, though both of its branches are computed. What
is made of an infinite value by further products may still have none; the update's guard sees to that.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def log(x: Tensor) -> Tensor:
    """ln x; −∞ at 0, no number below."""
    return _inside(torch.log, x, x > 0)


def sqrt(x: Tensor) -> Tensor:
    """The square root; its gradient at 0 is 0, no number below."""
    return _inside(torch.sqrt, x, x > 0)


def exp(x: Tensor) -> Tensor:
    """e to the power of x; infinite beyond the largest number there is."""
    return _inside(torch.exp, x, x <= math.log(torch.finfo(x.dtype).max))


def divided(x: Tensor, y: Tensor) -> Tensor:
    """x / y."""
    whole = y != 0
    return torch.where(whole, x / torch.where(whole, y, 1.0), x.detach() / y.detach())


def power(x: Tensor, exponent: float) -> Tensor:
    """x to the power of a written number."""
    if exponent == int(exponent):
        return x**exponent if exponent >= 0 else _inside(lambda base: base**exponent, x, x != 0)
    return _inside(lambda base: base**exponent, x, x > 0)


def _inside(function: Callable[[Tensor], Tensor], x: Tensor, smooth: Tensor) -> Tensor:
    return torch.where(smooth, function(torch.where(smooth, x, 1.0)), function(x.detach()))


def _where(test: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(test != 0, yes, no)


def _clip(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """At a bound the gradient is whole, as that of the clipped surrogate is."""
    return torch.clamp(x, min=low, max=high)


SIGNS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add, "-": torch.sub, "*": torch.mul, "/": divided,
    "<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge, "==": torch.eq, "!=": torch.ne,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "exp": exp, "log": log, "sqrt": sqrt, "abs": torch.abs, "sign": lambda x: x.detach().sign(),
    "sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus, "tanh": torch.tanh, "clip": _clip,
    "min": torch.minimum, "max": torch.maximum, "where": _where, "stop": torch.Tensor.detach,
}  # fmt: skip
