"""What an update did: added up over micro-batches, passes and processes."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.engine.ranks import Ranks


@dataclass
class Outcome:
    """What an update did. `sums` add up statistics over passes, weighted by tokens; `numbers` are further curves;
    `streams` are (N, T) of the last pass; `mismatch` is the largest |training − sampling log-probability| before the
    first change, nats; `halved` is the number of groups a micro-batch has since memory ran out in this update (0: it
    did not)."""

    loss: float = 0.0
    grad_norm: float = 0.0
    mismatch: float = 0.0
    learning_rate: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    numbers: dict[str, float] = field(default_factory=dict)
    streams: dict[str, Tensor] = field(default_factory=dict)
    halved: int = 0

    def statistics(self) -> dict[str, float]:
        """Mean over the tokens of all passes."""
        return {name: total / max(1, self.tokens) for name, total in self.sums.items()}

    def add(self, other: "Outcome") -> None:
        """Put a further pass, or another process's share of one, to this; streams are the other's."""
        self.loss += other.loss
        self.mismatch = max(self.mismatch, other.mismatch)
        self.tokens += other.tokens
        for name, total in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + total
        self.streams |= other.streams


def merged(ranks: Ranks, mine: Outcome, row_R: Tensor, mask_NT: Tensor) -> Outcome:
    """The update of all processes, each of which made the gradient of its own rows `row_R` of the batch's `mask_NT`."""
    if ranks.count == 1:
        return mine
    whole = Outcome(grad_norm=mine.grad_norm, learning_rate=mine.learning_rate, halved=mine.halved)
    told = (mine.loss, mine.mismatch, mine.tokens, mine.sums)
    streams = {name: value_RT.cpu() for name, value_RT in mine.streams.items()}
    whole_NT: dict[str, Tensor] = {}
    for (loss, mismatch, tokens, sums), rows, parts in ranks.together((told, row_R.cpu(), streams)):
        whole.add(Outcome(loss=loss, mismatch=mismatch, tokens=tokens, sums=sums))
        for name, value_RT in parts.items():
            value_NT = whole_NT.setdefault(name, torch.zeros(mask_NT.shape))
            value_NT[rows, : value_RT.shape[1]] = value_RT
    whole.streams = {name: value_NT.to(mask_NT.device) for name, value_NT in whole_NT.items()}
    return whole
