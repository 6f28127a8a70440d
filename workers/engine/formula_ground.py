"""The tokens that a formula is computed on, and what it takes over groups, completions and the batch.

Only chosen tokens exist here: nothing outside the mask is ever computed, so nothing there can become a value or a
gradient.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from workers.contract.formula import Shape
from workers.engine.formula_arithmetic import sqrt


@dataclass
class Ground:
    """The tokens of a batch and the named quantities on them: (M,) for a token, (N,) for a completion, () for all."""

    mask_NT: Tensor
    group_N: Tensor
    dtype: torch.dtype
    values: dict[str, Tensor]

    @cached_property
    def row_M(self) -> Tensor:
        """The completion of each token."""
        return self.mask_NT.nonzero()[:, 0]

    @cached_property
    def place_M(self) -> Tensor:
        """Each token's place among the chosen ones of its completion, from 0."""
        return (self.mask_NT.long().cumsum(dim=1) - 1)[self.mask_NT]

    @cached_property
    def inverse_N(self) -> Tensor:
        """The group of each completion, numbered from 0."""
        inverse_N: Tensor = torch.unique(self.group_N, return_inverse=True)[1]
        return inverse_N

    def number(self, value: float) -> Tensor:
        """A number as a tensor of the batch's kind, ()."""
        return torch.full((), value, dtype=self.dtype, device=self.mask_NT.device)

    def over(self, value: Tensor, shape: Shape, of: Shape) -> Tensor:
        """A value of one shape written on every item of a larger one."""
        return value[self.row_M] if (shape, of) == (Shape.COMPLETION, Shape.TOKEN) else value

    def tokens(self, value: Tensor, shape: Shape) -> Tensor:
        """A value on every chosen token, (M,)."""
        return self.over(value, shape, Shape.TOKEN).expand(len(self.row_M))

    def spread(self, value_M: Tensor) -> Tensor:
        """Values of tokens in their places, (N, T), zero elsewhere."""
        return value_M.new_zeros(self.mask_NT.shape).masked_scatter(self.mask_NT, value_M)

    def along(self, value_M: Tensor, *, after: bool, discount: float = 1.0) -> Tensor:
        """Sums within completions, up to and with each token or from it on; a token counts `discount` less for every
        chosen token that lies between."""
        value_NT = self._in_line(value_M)
        value_NT = value_NT.flip(1) if after else value_NT
        sum_NT = value_NT.cumsum(1) if discount == 1 else _discounted(value_NT, discount)
        return (sum_NT.flip(1) if after else sum_NT)[self.row_M, self.place_M]

    def following(self, value_M: Tensor) -> Tensor:
        """The value at each token's next chosen one in its completion; 0 at the last."""
        value_NT = torch.nn.functional.pad(self._in_line(value_M), (0, 1))
        return value_NT[self.row_M, self.place_M + 1]

    def _in_line(self, value_M: Tensor) -> Tensor:
        """Each completion's values from its first column on, without holes, (N, T)."""
        return value_M.new_zeros(self.mask_NT.shape).index_put((self.row_M, self.place_M), value_M)

    def reduced(self, name: str, value: Tensor, shape: Shape, scope: str) -> Tensor:
        """A reduction of tokens or completions over a scope, written on every completion, (N,); a rank stays with its
        token or completion."""
        part_N, count = self._parts(scope)
        part = part_N[self.row_M] if shape is Shape.TOKEN else part_N
        if name == "rank":
            return _rank(value.detach(), part, count)
        return _reduced(name, value, part, count)[part_N]

    def _parts(self, scope: str) -> tuple[Tensor, int]:
        """The part that each completion belongs to, and a bound of how many parts there are."""
        rows = len(self.group_N)
        if scope == "batch":
            return torch.zeros_like(self.inverse_N), min(1, rows)
        return (self.inverse_N if scope == "group" else torch.arange(rows, device=self.group_N.device)), rows


def _discounted(value_NT: Tensor, discount: float) -> Tensor:
    sums = [torch.zeros_like(value_NT[:, 0])] if value_NT.shape[1] else []
    for value_N in value_NT.unbind(1):
        sums.append(value_N + discount * sums[-1])
    return torch.stack(sums[1:], dim=1) if sums else value_NT


def _reduced(name: str, value: Tensor, part: Tensor, count: int) -> Tensor:
    """One number a part; 0 for a part without items, whose count is said to be 1."""
    if name == "median":
        return _median(value, part, count)
    total = value.new_zeros(count).index_add(0, part, value)
    if name == "sum":
        return total
    size = torch.bincount(part, minlength=count).clamp(min=1).to(value.dtype)
    if name == "count":
        return size
    low = value.new_zeros(count).scatter_reduce(0, part, value, "amin", include_self=False)
    high = value.new_zeros(count).scatter_reduce(0, part, value, "amax", include_self=False)
    if name in ("min", "max"):
        return low if name == "min" else high
    # Equal values have exactly that mean and no deviation: rounding must not become a push.
    mean = torch.where(low == high, low, total / size)
    if name == "mean":
        return mean
    square = value.new_zeros(count).index_add(0, part, (value - mean[part]).square())
    return sqrt(square / (size - 1).clamp(min=1))


def _sorted(value: Tensor, part: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The order of the items by part and, within it, by value; each part's first place in it, and its size."""
    by_value = value.detach().argsort(stable=True)
    order = by_value[part[by_value].argsort(stable=True)]
    size = torch.bincount(part, minlength=count)
    return order, size.cumsum(0) - size, size


def _median(value: Tensor, part: Tensor, count: int) -> Tensor:
    order, start, size = _sorted(value, part, count)
    if not len(order):
        return value.new_zeros(count)
    last = len(order) - 1
    low, high = (order[(start + (size - one).clamp(min=0) // 2).clamp(max=last)] for one in (1, 0))
    return torch.where(size > 0, (value[low] + value[high]) / 2, 0.0)


def _rank(value: Tensor, part: Tensor, count: int) -> Tensor:
    order, start, _ = _sorted(value, part, count)
    if not len(order):
        return value
    new = torch.ones_like(order, dtype=torch.bool)
    new[1:] = (value[order].diff() != 0) | (part[order].diff() != 0)
    run = new.long().cumsum(0) - 1
    size = torch.bincount(run, minlength=len(order))
    first = (size.cumsum(0) - size)[run] - start[part[order]]
    place = first.to(value.dtype) + (size[run].to(value.dtype) + 1) / 2
    return torch.empty_like(value).index_copy_(0, order, place)
