"""Two rewards on the same completions: how each ranks the siblings of a group, and what GRPO would make of either."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.masks import group_centred, group_std

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
EPSILON = 1e-6  # as group-relative credit has it


def column(values: Sequence[float | None]) -> Floats:
    """Rewards (None: none) as learning holds them, in single precision: what rounds to one number is one number."""
    return np.array([np.nan if one is None else one for one in values], dtype=np.float32).astype(np.float64)


@dataclass(frozen=True)
class Pairs:
    """Pairs of siblings to which both rewards give a value: ordered alike, the other way round, by the first reward
    alone, by the second alone."""

    alike: int = 0
    turned: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: "Pairs") -> "Pairs":
        return Pairs(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def both(self) -> int:
        """Pairs that both rewards order."""
        return self.alike + self.turned

    @property
    def tau(self) -> float | None:
        """Kendall's tau-b over all pairs of siblings; None where one of the rewards orders none."""
        ordered = (self.both + self.first) * (self.both + self.second)
        return (self.alike - self.turned) / ordered**0.5 if ordered else None

    @property
    def swapped(self) -> float | None:
        """The share of the pairs that both order which they order in opposite ways."""
        return self.turned / self.both if self.both else None


def pairs(first_N: Floats, second_N: Floats, group_N: Numbers) -> Pairs:
    """The pairs of siblings; NaN stands for no value."""
    found, both_N = Pairs(), ~np.isnan(first_N) & ~np.isnan(second_N)
    for group in np.unique(group_N[both_N]):
        one, other = (value_N[both_N & (group_N == group)] for value_N in (first_N, second_N))
        above = np.triu_indices(one.size, 1)
        first, second = (np.sign(value[:, None] - value)[above] for value in (one, other))
        product = first * second
        found += Pairs(
            int((product > 0).sum()),
            int((product < 0).sum()),
            int(((first != 0) & (second == 0)).sum()),
            int(((first == 0) & (second != 0)).sum()),
        )
    return found


def still(value_N: Floats, group_N: Numbers) -> int:
    """How many groups teach nothing: their values are all the same, or fewer than two."""
    groups = [value_N[(group_N == group) & ~np.isnan(value_N)] for group in np.unique(group_N)]
    return sum(not values.size or bool(values.min() == values.max()) for values in groups)


def advantages(value_N: Floats, group_N: Numbers) -> Floats:
    """Group-relative advantages as plain GRPO makes them; NaN where there is no value, which no sibling then sees."""
    known_N = ~np.isnan(value_N)
    value_K, group_K = torch.from_numpy(value_N[known_N]), torch.from_numpy(group_N[known_N])
    found_N = np.full(value_N.shape, np.nan)
    found_N[known_N] = (group_centred(value_K, group_K) / (group_std(value_K, group_K) + EPSILON)).numpy()
    return found_N


def correlation(first_N: Floats, second_N: Floats) -> float | None:
    """Pearson's, where both have a value; None where one of them does not vary there."""
    both_N = ~np.isnan(first_N) & ~np.isnan(second_N)
    one, other = first_N[both_N], second_N[both_N]
    if one.size < 2 or one.min() == one.max() or other.min() == other.max():
        return None
    return float(np.corrcoef(one, other)[0, 1])


def opposed(first_N: Floats, second_N: Floats) -> int:
    """How many completions one advantage raises and the other lowers."""
    return int((first_N * second_N < 0).sum())
