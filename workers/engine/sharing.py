"""Work on a batch that the processes of a run share: each samples or reads its own groups, all get the whole."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from workers.engine.batch import rows_of
from workers.engine.policy import Policy
from workers.engine.ranks import Ranks
from workers.engine.sampler import Plan, Sampled, noise, sample
from workers.engine.tensors import Rollouts


def sample_shared(
    ranks: Ranks, policy: Policy, prompts: list[list[int]], plan: Plan, generator: torch.Generator
) -> Sampled:
    """What `sample` gives, each process having sampled its share of the prompts. A row's noise is its own, so that it
    does not matter how many share the work."""
    if ranks.count == 1:
        return sample(policy, prompts, plan, generator)
    counts, mine = plan.counts(len(prompts)), ranks.share(len(prompts))
    row = slice(sum(counts[: mine.start]), sum(counts[: mine.stop]))
    uniform_NT = noise(sum(counts), plan.new_tokens, generator)[row]
    part = sample(policy, prompts[mine], replace(plan, siblings=tuple(counts[mine])), generator, uniform_NT)
    return _joined(ranks.together(_moved(part, "cpu")), plan.pad, policy.device)


def read_shared(ranks: Ranks, rollouts: Rollouts, read: Callable[[Rollouts], Tensor | None]) -> Tensor | None:
    """What `read` gives of all completions, (N, T), each process having read its own groups."""
    if ranks.count == 1:
        return read(rollouts)
    row_R = ranks.rows(rollouts.group_N)
    value_RT = read(rows_of(rollouts, row_R)) if len(row_R) else rollouts.logp_NT[:0]
    assert value_RT is not None, "a share of nothing"
    whole_NT = torch.zeros(rollouts.mask_NT.shape, dtype=value_RT.dtype)
    for rows, values in ranks.together((row_R.cpu(), value_RT.cpu())):
        whole_NT[rows, : values.shape[1]] = values.to(whole_NT.dtype)
    return whole_NT.to(rollouts.mask_NT.device)


def _joined(parts: list[Sampled], pad: int, device: torch.device) -> Sampled:
    parts = [part for part in parts if len(part.finished_N)] or parts[:1]
    prompt = max(part.prompt_NL.shape[1] for part in parts)
    length = max(part.mask_NT.shape[1] for part in parts)
    filled = [
        Sampled(
            _wider(part.prompt_NL, prompt, pad, left=True),
            _wider(part.prompt_mask_NL, prompt, 0, left=True),
            _wider(part.token_NT, length, pad),
            _wider(part.mask_NT, length, 0),
            _wider(part.logp_NT, length, 0),
            _wider(part.entropy_NT, length, 0),
            part.finished_N,
        )
        for part in parts
    ]
    columns = zip(*(vars(part).values() for part in filled), strict=True)
    return _moved(Sampled(*(torch.cat(column) for column in columns)), device)


def _wider(value_NX: Tensor, width: int, fill: float, *, left: bool = False) -> Tensor:
    more = width - value_NX.shape[1]
    return functional.pad(value_NX, (more, 0) if left else (0, more), value=fill)


def _moved(sampled: Sampled, device: torch.device | str) -> Sampled:
    return Sampled(*(value.to(device) for value in vars(sampled).values()))
