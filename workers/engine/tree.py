"""The prefix trees of a batch, one a group: which completions share their first tokens, and numbers on their branches.

Rows are sorted as bytes; neighbours then share the longest prefixes, and a stack over the lengths of these prefixes
gives every branch: at most 2N − 1 of them, whatever the length. A table over all tokens is made only where one is asked
for.
"""

from dataclasses import dataclass
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.engine.tensors import Rollouts

Whole = NDArray[numpy.int64]
Table = NDArray[Any]


@dataclass(frozen=True)
class Tree:
    """Branches of a batch's prefix trees. A branch is a run of tokens that the same completions go through: those that
    stand from `low` to before `high` in `order`, with their tokens from `start` to before `end`.

    `parent` is the branch that it grows from, −1 for a group's first, which all of the group go through (a run without
    tokens where they part at once). `shape` is (N, T).
    """

    order: Whole
    low: Whole
    high: Whole
    start: Whole
    end: Whole
    parent: Whole
    shape: tuple[int, int]

    def means(self, value_N: Tensor) -> Table:
        """The mean of `value_N` over the completions of each branch, in float64."""
        sums = numpy.concatenate([[0.0], value_N.detach().cpu().double().numpy()[self.order].cumsum()])
        means: Table = (sums[self.high] - sums[self.low]) / (self.high - self.low)
        return means

    def values(self, value_N: Tensor) -> Tensor:
        """The mean of `value_N` over the completions that share a row's tokens up to each one and that one itself,
        (N, T); 0 behind a row's last token."""
        return self._table(self.means(value_N), self.end, value_N)

    def jumps(self, value_N: Tensor) -> Tensor:
        """By how much that mean changes at each token, (N, T): exactly 0 where all go on together. The first token is
        compared with the whole group."""
        means = self.means(value_N)
        change = numpy.where(self.parent < 0, 0.0, means - means[self.parent])
        return self._table(change, numpy.minimum(self.start + 1, self.end), value_N)

    def _table(self, numbers: Table, end: Whole, like: Tensor) -> Tensor:
        """Each branch's number on its tokens before `end`; a token lies on one branch of its row, or on none."""
        sorted_NT = numpy.zeros(self.shape, numpy.float64 if like.dtype is torch.float64 else numpy.float32)
        used = (end > self.start) & (numbers != 0)
        columns = (self.low, self.high, self.start, end, numbers)
        for low, high, start, stop, number in zip(*(column[used].tolist() for column in columns), strict=True):
            sorted_NT[low:high, start:stop] = number
        out_NT = numpy.empty_like(sorted_NT)
        out_NT[self.order] = sorted_NT
        return torch.from_numpy(out_NT).to(like)


def grow(rollouts: Rollouts) -> Tree:
    """The prefix trees of a batch. Tokens that the policy did not choose belong to the path, and differ from the same
    tokens chosen by it; what stands behind a row's last chosen token does not count."""
    code_NT, length_N = _codes(rollouts)
    # As one string of bytes a row: comparing these is comparing tokens, as far as equal beginnings go.
    order = code_NT.view(f"V{code_NT.shape[1] * code_NT.itemsize}")[:, 0].argsort()
    shared, length_N = _shared(code_NT[order], length_N[order]), length_N[order]
    found = _branches(shared.tolist(), length_N.tolist())
    low, high, start, end, parent = (numpy.array(column, dtype=numpy.int64) for column in found)
    return Tree(order, low, high, start, end, parent, (len(order), code_NT.shape[1] - 1))


def _codes(rollouts: Rollouts) -> tuple[Table, Whole]:
    """A row's group, then a number above 0 for each of its tokens and 0 behind the last; and the lengths of rows."""
    mask_NT, token_NT = rollouts.mask_NT.cpu().numpy(), rollouts.token_NT.cpu().numpy()
    _, group_N = torch.unique(rollouts.group_N, return_inverse=True)
    rows, width = mask_NT.shape
    length_N = _lengths(mask_NT)
    code_NT = numpy.empty((rows, width + 1), numpy.uint32)
    code_NT[:, 0] = group_N.cpu().numpy()
    tokens = code_NT[:, 1:]
    # In place, and behind the end as one more pass: each temporary table of this size would cost as much again.
    tokens[:] = token_NT
    tokens <<= 1
    tokens += mask_NT
    tokens += 1
    numpy.copyto(tokens, 0, where=numpy.arange(width, dtype=numpy.int32) >= length_N.astype(numpy.int32)[:, None])
    return code_NT, length_N


def _lengths(mask_NT: Table) -> Whole:
    """One past each row's last chosen token; 0 for a row without any."""
    rows, width = mask_NT.shape
    if width == 0:
        return numpy.zeros(rows, numpy.int64)
    length_N: Whole = width - mask_NT[:, ::-1].argmax(axis=1)
    return numpy.where(mask_NT[numpy.arange(rows), length_N - 1], length_N, 0)


def _shared(sorted_NT: Table, length_N: Whole) -> Whole:
    """How many tokens each row shares with the one before it: −1 where that is another group's, and for the first."""
    differs_NT = sorted_NT[1:] != sorted_NT[:-1]
    first_N = differs_NT.argmax(axis=1)
    equal_N = ~differs_NT[numpy.arange(len(first_N)), first_N]
    shared: Whole = numpy.where(equal_N, length_N[1:], first_N - 1)
    return numpy.concatenate([[-1], shared])[: len(length_N)]


def _branches(shared: list[int], length: list[int]) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
    """`low`, `high`, `start`, `end` and `parent` of each branch.

    The stack holds the branches on the path to the present row, each ending deeper than the one below it. A row that
    shares fewer tokens than the top has closes that branch, and parts from it at a branch of just the shared length.
    """
    low: list[int] = []
    high: list[int] = []
    end: list[int] = []
    parent: list[int] = []
    stack: list[int] = []

    def open_branch(first: int, depth: int) -> None:
        stack.append(len(low))
        low.append(first)
        high.append(0)
        end.append(depth)
        parent.append(-1)

    for row, depth in enumerate([*shared, -1]):
        closed = -1
        while stack and end[stack[-1]] > depth:
            closed, above = stack.pop(), closed
            high[closed] = row
            if above >= 0:
                parent[above] = closed
        if closed >= 0 and depth >= 0:
            if not stack or end[stack[-1]] < depth:
                open_branch(low[closed], depth)
            parent[closed] = stack[-1]
        if row < len(length) and (depth < 0 or length[row] > depth):
            open_branch(row, length[row])
    start = [0 if above < 0 else end[above] for above in parent]
    return low, high, start, end, parent
