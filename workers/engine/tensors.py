"""The frozen records that move between rooms. Names carry their axes (see `contract/letters.md`).

Each record checks its shapes once, when it is made, and is trusted afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workers.contract.answers import Answers


def _same_shape(shape: tuple[int, ...], **tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {shape}")


@dataclass(frozen=True)
class Rollouts:
    """N completions of one step.

    `prompt_NL` and `token_NT` hold token ids (prompts padded on the left, completions on the right); `mask_NT` is true
    where the policy chose the token: false on padding and on foreign tokens inside a completion, so it may have holes.
    `logp_NT` is the log-probability under the sampling policy, nats. `group_N` numbers the prompt of each completion;
    completions of a prompt need not be neighbours. `segments` number steps or turns (−1 outside). `streams` hold any
    further number per token. `version` counts the policy's updates.
    """

    prompt_NL: Tensor
    prompt_mask_NL: Tensor
    token_NT: Tensor
    mask_NT: Tensor
    logp_NT: Tensor
    group_N: Tensor
    answers: Answers
    segments: Mapping[str, Tensor] = field(default_factory=dict)
    streams: Mapping[str, Tensor] = field(default_factory=dict)
    version: int = 0

    def __post_init__(self) -> None:
        shape = tuple(self.token_NT.shape)
        _same_shape(shape, mask_NT=self.mask_NT, logp_NT=self.logp_NT, **self.segments, **self.streams)
        _same_shape(tuple(self.prompt_NL.shape), prompt_mask_NL=self.prompt_mask_NL)
        _same_shape(shape[:1], group_N=self.group_N)
        if self.mask_NT.dtype is not torch.bool:
            raise ValueError(f"mask_NT is {self.mask_NT.dtype}, expected torch.bool")
        if len(self.answers.texts) != shape[0]:
            raise ValueError(f"{len(self.answers.texts)} answers for {shape[0]} completions")


@dataclass(frozen=True)
class RewardTable:
    """K objectives kept apart: `value_NTK` (an outcome stands on the last chosen token), `valid_NK` (false: the reward
    does not apply or failed), `range_K2` (declared bounds)."""

    names: tuple[str, ...]
    value_NTK: Tensor
    valid_NK: Tensor
    range_K2: Tensor

    def __post_init__(self) -> None:
        n, _, k = self.value_NTK.shape
        if k != len(self.names):
            raise ValueError(f"{k} columns for {len(self.names)} rewards")
        _same_shape((n, k), valid_NK=self.valid_NK)
        _same_shape((k, 2), range_K2=self.range_K2)


@dataclass(frozen=True)
class Credit:
    """What each token is owed: `advantage_NT` (zero outside the mask, no gradient), a critic's `target_NT` where there
    is one, and the method's `memory` for the next step."""

    advantage_NT: Tensor
    target_NT: Tensor | None = None
    memory: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """What a policy says of the sampled tokens: `logp_NT` and `entropy_NT` in nats, zero outside `mask_NT`."""

    logp_NT: Tensor
    mask_NT: Tensor
    entropy_NT: Tensor | None = None

    def __post_init__(self) -> None:
        _same_shape(tuple(self.logp_NT.shape), mask_NT=self.mask_NT)


@dataclass(frozen=True)
class Loss:
    """A loss for every token, zero outside the mask and not yet reduced, and `statistics`: further numbers per token
    (such as 1 where the ratio was clipped), whose masked means become curves."""

    token_NT: Tensor
    statistics: Mapping[str, Tensor] = field(default_factory=dict)
