"""A read formula on tensors, with gradients. Only chosen tokens exist here: nothing outside the mask is ever computed,
so nothing there can turn into a value or a gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import torch
from torch import Tensor

from workers.contract.formula import Binary, Call, Formula, Name, Negative, Node, Number, Shape, as_method
from workers.engine.load import Loaded
from workers.engine.masks import log_ratio, per_row
from workers.engine.tensors import Credit, Loss, Pass, Progress, Rollouts

SIGNS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add, "-": torch.sub, "*": torch.mul, "/": torch.div, "**": torch.pow,
    "<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge, "==": torch.eq, "!=": torch.ne,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "abs": torch.abs, "sigmoid": torch.sigmoid,
    "tanh": torch.tanh, "min": torch.minimum, "max": torch.maximum, "stop": torch.Tensor.detach,
    "clip": lambda x, low, high: torch.minimum(torch.maximum(x, low), high),
    "where": lambda test, yes, no: torch.where(test != 0, yes, no),
}  # fmt: skip


@dataclass
class Ground:
    """The tokens of a batch and the named quantities on them: (M,) for a token, (N,) for a completion, () for all."""

    mask_NT: Tensor
    group_N: Tensor
    values: dict[str, Tensor]

    @cached_property
    def row_M(self) -> Tensor:
        """The completion of each token."""
        return self.mask_NT.nonzero()[:, 0]

    @cached_property
    def inverse_N(self) -> Tensor:
        """The group of each completion, numbered from 0."""
        inverse_N: Tensor = torch.unique(self.group_N, return_inverse=True)[1]
        return inverse_N

    def over(self, value: Tensor, shape: Shape, of: Shape) -> Tensor:
        """A value of one shape written on every item of a larger one."""
        return value[self.row_M] if (shape, of) == (Shape.COMPLETION, Shape.TOKEN) else value

    def along(self, value_M: Tensor, *, after: bool) -> Tensor:
        """Sums within completions: up to and with each token, or from it on."""
        value_NT = self.spread(value_M)
        sum_NT = value_NT.flip(1).cumsum(1).flip(1) if after else value_NT.cumsum(1)
        return sum_NT[self.mask_NT]

    def spread(self, value_M: Tensor) -> Tensor:
        """Values of tokens in their places, (N, T), zero elsewhere."""
        return value_M.new_zeros(self.mask_NT.shape).masked_scatter(self.mask_NT, value_M)

    def reduced(self, name: str, value: Tensor, shape: Shape, scope: str) -> Tensor:
        """A reduction of tokens or completions over a scope, written on every completion, (N,)."""
        place_N = torch.arange(len(self.group_N), device=value.device)
        part_N = {"group": self.inverse_N, "batch": torch.zeros_like(place_N), "completion": place_N}[scope]
        part = part_N[self.row_M] if shape is Shape.TOKEN else part_N
        return _reduced(name, value, part, int(part_N.max()) + 1 if len(part_N) else 0)[part_N]


def _reduced(name: str, value: Tensor, part: Tensor, count: int) -> Tensor:
    """One number a part; 0 for a part without items."""
    total = value.new_zeros(count).index_add(0, part, value)
    if name == "sum":
        return total
    low = value.new_zeros(count).scatter_reduce(0, part, value, "amin", include_self=False)
    high = value.new_zeros(count).scatter_reduce(0, part, value, "amax", include_self=False)
    if name in ("min", "max"):
        return low if name == "min" else high
    size = torch.bincount(part, minlength=count).to(value.dtype)
    # Equal values have exactly that mean and no deviation: rounding must not become a push.
    same = low == high
    mean = torch.where(same, low, total / size.clamp(min=1))
    if name == "mean":
        return mean
    square = value.new_zeros(count).index_add(0, part, (value - mean[part]).square())
    variance = square / (size - 1).clamp(min=1)
    return torch.where(same, torch.zeros_like(variance), torch.where(same, 1.0, variance).sqrt())


def value_of(formula: Formula, ground: Ground) -> Tensor:
    """The formula's value at every chosen token, (M,)."""
    for name, node in formula.lines:
        ground.values[name] = _value(node, ground)
    made = ground.over(_value(formula.value, ground), formula.value.shape, Shape.TOKEN)
    return made.expand(len(ground.row_M))


def _value(node: Node, ground: Ground) -> Tensor:
    if isinstance(node, Number):
        return torch.tensor(node.value, dtype=ground.values["logp"].dtype, device=ground.mask_NT.device)
    if isinstance(node, Name):
        return ground.values[node.name]
    if isinstance(node, Negative):
        return -_value(node.inner, ground)
    if isinstance(node, Call) and node.scope:
        inner = node.arguments[0]
        return ground.reduced(node.function, _value(inner, ground), inner.shape, node.scope)
    if isinstance(node, Call) and node.function in ("before", "after"):
        return ground.along(_value(node.arguments[0], ground), after=node.function == "after")
    parts = node.arguments if isinstance(node, Call) else (node.left, node.right)
    values = [ground.over(_value(part, ground), part.shape, node.shape) for part in parts]
    if isinstance(node, Binary):
        made = SIGNS[node.sign](*values)
        return made.to(values[0].dtype) if made.dtype is torch.bool else made
    return FUNCTIONS[node.function](*values)


def make_formula(formula: Formula, name: str) -> Loaded:
    """A formula as a method, called as those of files are."""
    function = _credit(formula) if formula.kind == "credit" else _objective(formula)
    return Loaded(as_method(formula, name), ModuleType("formula"), function)


def _credit(formula: Formula) -> Callable[..., Credit]:
    @torch.no_grad()
    def credit(rollouts: Rollouts, reward_NT: Tensor, **more: Tensor | Progress) -> Credit:
        mask_NT = rollouts.mask_NT
        entropy_NT = rollouts.streams.get("entropy", torch.zeros_like(rollouts.logp_NT))
        tokens = {"logp": rollouts.logp_NT, "entropy": entropy_NT}
        ground = _ground(mask_NT, rollouts.group_N, per_row(reward_NT, mask_NT), tokens, more)
        value_M = value_of(formula, ground)
        if not bool(value_M.isfinite().all()):
            share = float((~value_M.isfinite()).float().mean())
            raise ValueError(f"the formula {formula.text!r:.80} gives no finite number on {share:.1%} of the tokens")
        return Credit(ground.spread(value_M))

    return credit


def _objective(formula: Formula) -> Callable[..., Loss]:
    def objective(
        now: Pass, was: Pass, advantage_NT: Tensor, group_N: Tensor, reward_N: Tensor, **more: Tensor | Progress
    ) -> Loss:
        mask_NT, old_NT = now.mask_NT, was.logp_NT.detach()
        tokens = {
            "logp": now.logp_NT,
            "old_logp": old_NT,
            "A": advantage_NT.detach(),
            "ratio": log_ratio(now.logp_NT, old_NT, mask_NT).exp(),
            "entropy": torch.zeros_like(old_NT) if now.entropy_NT is None else now.entropy_NT,
        }
        ground = _ground(mask_NT, group_N, reward_N.to(old_NT.dtype), tokens, more)
        return Loss(ground.spread(value_of(formula, ground)))

    return objective


def _ground(
    mask_NT: Tensor,
    group_N: Tensor,
    reward_N: Tensor,
    tokens: Mapping[str, Tensor],
    more: Mapping[str, Tensor | Progress],
) -> Ground:
    dtype = tokens["logp"].dtype
    values = {name: value_NT[mask_NT] for name, value_NT in tokens.items()}
    for name, stream in (("ref_logp_NT", "ref_logp"), ("value_NT", "value")):
        given = more.get(name)
        if isinstance(given, Tensor):
            values[stream] = given[mask_NT].detach()
    progress = more.get("progress")
    share = progress.share if isinstance(progress, Progress) else 0.0
    place_NT = mask_NT.long().cumsum(dim=1) - 1
    values |= {
        "r": reward_N.to(dtype),
        "length": mask_NT.sum(dim=1).to(dtype),
        "position": place_NT[mask_NT].to(dtype),
        "progress": torch.tensor(share, dtype=dtype, device=mask_NT.device),
    }
    return Ground(mask_NT, group_N, values)
