"""Parts of a batch: some of its rows, two put together, and micro-batches that never split a group."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.engine.tensors import Pass, Progress, Rollouts


def rows_of(rollouts: Rollouts, row_R: Tensor) -> Rollouts:
    """The given rows, without the columns that are padding in all of them."""
    mask_RT = rollouts.mask_NT[row_R]
    length = int(mask_RT.any(dim=0).nonzero().max()) + 1 if bool(mask_RT.any()) else min(1, mask_RT.shape[1])
    start = _first_prompt_column(rollouts.prompt_mask_NL[row_R])
    return Rollouts(
        rollouts.prompt_NL[row_R, start:],
        rollouts.prompt_mask_NL[row_R, start:],
        rollouts.token_NT[row_R, :length],
        mask_RT[:, :length],
        rollouts.logp_NT[row_R, :length],
        rollouts.group_N[row_R],
        rollouts.answers.rows(row_R.tolist()),
        {name: segment[row_R, :length] for name, segment in rollouts.segments.items()},
        {name: stream[row_R, :length] for name, stream in rollouts.streams.items()},
        rollouts.version,
    )


def _first_prompt_column(present_RL: Tensor) -> int:
    used = present_RL.any(dim=0).nonzero()
    return int(used.min()) if len(used) else present_RL.shape[1]


def joined(first: Rollouts, second: Rollouts) -> Rollouts:
    """The rows of both, the second's behind; prompts are padded on the left and completions on the right. Streams and
    segments that only one of them has are dropped."""
    length = max(first.mask_NT.shape[1], second.mask_NT.shape[1])
    prompt = max(first.prompt_NL.shape[1], second.prompt_NL.shape[1])

    def right(one: Tensor, other: Tensor, fill: float = 0) -> Tensor:
        return torch.cat([_padded(one, length, 0, fill), _padded(other, length, 0, fill)])

    def left(one: Tensor, other: Tensor) -> Tensor:
        return torch.cat([_padded(one, 0, prompt, 0), _padded(other, 0, prompt, 0)])

    return Rollouts(
        left(first.prompt_NL, second.prompt_NL),
        left(first.prompt_mask_NL, second.prompt_mask_NL),
        right(first.token_NT, second.token_NT),
        right(first.mask_NT, second.mask_NT),
        right(first.logp_NT, second.logp_NT),
        torch.cat([first.group_N, second.group_N]),
        _joined_answers(first.answers, second.answers),
        {
            name: right(one, second.segments[name], -1)
            for name, one in first.segments.items()
            if name in second.segments
        },
        {name: right(one, second.streams[name]) for name, one in first.streams.items() if name in second.streams},
        first.version,
    )


def _padded(value_NX: Tensor, right: int, left: int, fill: float) -> Tensor:
    more = (max(0, left - value_NX.shape[1]), max(0, right - value_NX.shape[1]))
    return torch.nn.functional.pad(value_NX, more, value=fill)


def _joined_answers(first: Answers, second: Answers) -> Answers:
    def column(answers: Answers, name: str) -> tuple[object, ...]:
        return answers.columns.get(name, (None,) * len(answers.texts))

    verdicts, groups, tokens = (one + other if one and other else () for one, other in _optional(first, second))
    names = [*first.columns, *(name for name in second.columns if name not in first.columns)]
    return Answers(
        first.texts + second.texts,
        first.prompts + second.prompts,
        first.lengths + second.lengths,
        first.ends + second.ends,
        {name: column(first, name) + column(second, name) for name in names},
        verdicts,
        groups,
        tokens,
        first.held_out and second.held_out,
    )


def _optional(first: Answers, second: Answers) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    return [(first.verdicts, second.verdicts), (first.groups, second.groups), (first.tokens, second.tokens)]


@dataclass(frozen=True)
class Batch:
    """What an update needs, for each completion or token of `rollouts`: advantages, weights in the sum of losses,
    rewards, the tags of selections (−1: none), how many `groups` the whole batch has, and what only some parts ask
    for: reference log-probabilities, the number of each token's step, a critic's old values and
    targets, a KL estimated on mismatched prompts and completions."""

    rollouts: Rollouts
    advantage_NT: Tensor
    weight_NT: Tensor
    reward_N: Tensor
    tag_N: Tensor
    groups: int
    progress: Progress
    ref_logp_NT: Tensor | None = None
    segment_NT: Tensor | None = None
    value_NT: Tensor | None = None
    target_NT: Tensor | None = None
    kl: Tensor | None = None

    @property
    def was(self) -> Pass:
        """The sampling policy's word on these tokens."""
        streams = self.rollouts.streams
        return Pass(self.rollouts.logp_NT, self.rollouts.mask_NT, streams.get("entropy"))

    def rows(self, row_R: Tensor) -> "Batch":
        """The part of some rows; weights stay those of the whole batch, so that cutting it changes no loss."""
        part = rows_of(self.rollouts, row_R)
        length = part.mask_NT.shape[1]
        cut: dict[str, Any] = {"reward_N": self.reward_N[row_R], "tag_N": self.tag_N[row_R]}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name.endswith("_NT") and value is not None:
                cut[item.name] = value[row_R, :length]
        return replace(self, rollouts=part, **cut)

    def supplied(self) -> dict[str, object]:
        """What losses may ask for by name, save what the present policy says."""
        found = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "rollouts"}
        return {**found, "was": self.was, "group_N": self.rollouts.group_N, "mask_NT": self.rollouts.mask_NT}


def micro_batches(group_N: Tensor, groups: int) -> Iterator[Tensor]:
    """Row indices of each micro-batch: `groups` whole groups (0: all of them), in order of their numbers."""
    numbers = torch.unique(group_N)
    for chunk in torch.split(numbers, groups or len(numbers)) if len(numbers) else ():
        yield torch.isin(group_N, chunk).nonzero().squeeze(1)
