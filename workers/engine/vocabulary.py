"""Functions of whole next-token distributions, now and when the step began, computed chunk by chunk."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from workers.engine.batch import Batch, micro_batches
from workers.engine.policy import CHUNK_NUMBERS, Policy
from workers.engine.tensors import OverVocabulary


@dataclass(frozen=True)
class Before:
    """The policy as it was when the step began, as far as it is needed: hidden states at the chosen tokens (M, X), the
    number of each row's first one, and a copy of the output matrix. Far less than whole distributions would take."""

    policy: Policy
    state_MX: Tensor
    first_N: Tensor
    count_N: Tensor

    def rows(self, row_R: Tensor) -> Tensor:
        """The states of some rows, in their order."""
        places = [torch.arange(int(self.first_N[n]), int(self.first_N[n] + self.count_N[n])) for n in row_R.tolist()]
        return self.state_MX[torch.cat(places)] if places else self.state_MX[:0]


@torch.no_grad()
def remember(policy: Policy, batch: Batch, micro_groups: int) -> Before:
    """What the policy says now of a batch, read in the same micro-batches as the update. The batch may be empty: the
    share of a process when there are fewer groups than processes."""
    count_N = batch.rollouts.mask_NT.sum(dim=1)
    first_N = count_N.cumsum(0) - count_N
    was = Policy(policy.model, policy.temperature, policy.precision, copy.deepcopy(policy.head))
    found: list[tuple[Tensor, Tensor]] = []
    for row_R in micro_batches(batch.rollouts.group_N, micro_groups):
        found.append((row_R, policy.states(batch.rows(row_R).rollouts)))
    if not found:
        return Before(was, torch.empty(0, 0, device=count_N.device), first_N, count_N)
    state_MX = torch.empty(int(count_N.sum()), found[0][1].shape[1], dtype=found[0][1].dtype, device=count_N.device)
    for row_R, part_MX in found:
        cuts = torch.split(part_MX, count_N[row_R].tolist())
        for row, cut_MX in zip(row_R.tolist(), cuts, strict=True):
            state_MX[int(first_N[row]) : int(first_N[row]) + len(cut_MX)] = cut_MX
    return Before(was, state_MX, first_N, count_N)


def over_vocabulary(policy: Policy, now_MX: Tensor, before: Before, row_R: Tensor, mask_NT: Tensor) -> OverVocabulary:
    """The function that methods are given, for the rows of one micro-batch and their states now."""
    was_MX = before.rows(row_R)
    chunk = max(1, CHUNK_NUMBERS // int(policy.model.config.vocab_size))

    def each(function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        def one(some_MX: Tensor, past_MX: Tensor) -> Tensor:
            with torch.no_grad():
                past_MV = before.policy.logp_of_states(past_MX)
            return function(policy.logp_of_states(some_MX), past_MV)

        pairs = list(zip(torch.split(now_MX, chunk), torch.split(was_MX, chunk), strict=True))
        if len(pairs) == 1:
            value_M = one(*pairs[0])
        else:  # distributions are made again on the way back: memory for one chunk at a time
            value_M = torch.cat([checkpoint(one, now, was, use_reentrant=False) for now, was in pairs])
        return value_M.new_zeros(mask_NT.shape).masked_scatter(mask_NT, value_M)

    return each
