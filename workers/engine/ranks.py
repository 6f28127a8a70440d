"""One run in several processes: each holds the whole policy, samples and learns from its own groups, and knows of the
others only what is said here. The first process alone tells the ledger, scores and writes checkpoints.

With one process every function here is the plain thing itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from workers.contract.errors import Replaced, Stopped
from workers.engine.boundary import attempt

T = TypeVar("T")
REQUESTS: dict[str, type[Exception]] = {"stopped": Stopped, "replaced": Replaced}


class Lost(Exception):
    """Another process of the run could not be reached, or said that it failed: what went wrong is told there."""


@dataclass(frozen=True)
class Ranks:
    """This process, number `index` of `count`. `words` is the group through which objects go; tensors go through the
    default one."""

    index: int = 0
    count: int = 1
    words: Any = None

    def first(self, call: Callable[[], T]) -> T:
        """What `call` gives in the first process, in all of them; only the first one calls. Whatever it raises there
        ends all: a request to stop as itself; anything else is Lost in the others, so that the first alone tells it."""
        if self.count == 1:
            return call()
        found = attempt(call) if self.index == 0 else None
        name = next((name for name, kind in REQUESTS.items() if isinstance(found, kind)), "failed")
        said: list[Any] = [(name, None) if isinstance(found, Exception) else ("", found)]
        try:
            with reaching():
                distributed.broadcast_object_list(said, src=0, group=self.words)
        finally:
            if isinstance(found, Exception):  # also where nobody was left to hear of it
                raise found
        (name, value) = said[0]
        if name:
            raise REQUESTS[name]() if name in REQUESTS else Lost("the first process of the run failed.")
        made: T = value
        return made

    def together(self, mine: T) -> list[T]:
        """What each process brings, in their order; all of them must ask."""
        if self.count == 1:
            return [mine]
        found: list[Any] = [None] * self.count
        with reaching():
            distributed.all_gather_object(found, mine, group=self.words)
        return found

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes: the same bits in each of them."""
        if self.count == 1:
            return
        with reaching():
            works = [distributed.all_reduce(tensor, async_op=True) for tensor in tensors]
            for work in works:
                work.wait()

    def add_gradients(self, weights: Sequence[Tensor]) -> None:
        """Let every process have the sum of all gradients; a process without rows adds zeros."""
        if self.count == 1:
            return
        learning = [weight for weight in weights if weight.requires_grad]
        used = [any(flags) for flags in zip(*self.together([w.grad is not None for w in learning]), strict=True)]
        for weight in (weight for weight, wanted in zip(learning, used, strict=True) if wanted):
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        self.add_up([w.grad for w in learning if w.grad is not None])

    def share(self, total: int) -> slice:
        """This process's part of `total` things in a row; the parts differ by one at most."""
        return slice(self.index * total // self.count, (self.index + 1) * total // self.count)

    def rows(self, group_N: Tensor) -> Tensor:
        """The indices of this process's rows: whole groups, a like number for each process."""
        if self.count == 1:
            return torch.arange(len(group_N), device=group_N.device)
        groups = torch.unique(group_N)
        return torch.isin(group_N, groups[self.share(len(groups))]).nonzero().squeeze(1)


ALONE = Ranks()


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what the transport says of a process that is gone into Lost."""
    try:
        yield
    except RuntimeError as error:
        raise Lost(str(error)) from error
