"""Parts of a batch: some of its rows, and micro-batches that never split a group."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.engine.tensors import Pass, Rollouts


def rows_of(rollouts: Rollouts, row_R: Tensor) -> Rollouts:
    """The given rows, without the columns that are padding in all of them."""
    mask_RT = rollouts.mask_NT[row_R]
    length = int(mask_RT.any(dim=0).nonzero().max()) + 1 if bool(mask_RT.any()) else 0
    start = _first_prompt_column(rollouts.prompt_mask_NL[row_R])
    return Rollouts(
        rollouts.prompt_NL[row_R, start:],
        rollouts.prompt_mask_NL[row_R, start:],
        rollouts.token_NT[row_R, :length],
        mask_RT[:, :length],
        rollouts.logp_NT[row_R, :length],
        rollouts.group_N[row_R],
        answers_of(rollouts.answers, row_R.tolist()),
        {name: segment[row_R, :length] for name, segment in rollouts.segments.items()},
        {name: stream[row_R, :length] for name, stream in rollouts.streams.items()},
        rollouts.version,
    )


def _first_prompt_column(present_RL: Tensor) -> int:
    used = present_RL.any(dim=0).nonzero()
    return int(used.min()) if len(used) else present_RL.shape[1]


def answers_of(answers: Answers, rows: list[int]) -> Answers:
    """The answers of the given rows, in their order."""
    return Answers(
        tuple(answers.texts[n] for n in rows),
        tuple(answers.prompts[n] for n in rows),
        tuple(answers.lengths[n] for n in rows),
        tuple(answers.ends[n] for n in rows),
        {name: tuple(column[n] for n in rows) for name, column in answers.columns.items()},
        tuple(answers.verdicts[n] for n in rows) if answers.verdicts else (),
    )


@dataclass(frozen=True)
class Batch:
    """What an update needs: completions with their advantages, weights in the sum of losses, and reference
    log-probabilities where somebody asks for them, each (N, T)."""

    rollouts: Rollouts
    advantage_NT: Tensor
    weight_NT: Tensor
    ref_logp_NT: Tensor | None = None

    @property
    def was(self) -> Pass:
        """The sampling policy's word on these tokens."""
        streams = self.rollouts.streams
        return Pass(self.rollouts.logp_NT, self.rollouts.mask_NT, streams.get("entropy"))

    def rows(self, row_R: Tensor) -> "Batch":
        """The part of some rows; weights stay those of the whole batch, so that cutting it changes no loss."""
        part = rows_of(self.rollouts, row_R)
        length = part.mask_NT.shape[1]
        ref_NT = None if self.ref_logp_NT is None else self.ref_logp_NT[row_R, :length]
        return replace(
            self,
            rollouts=part,
            advantage_NT=self.advantage_NT[row_R, :length],
            weight_NT=self.weight_NT[row_R, :length],
            ref_logp_NT=ref_NT,
        )


def micro_batches(group_N: Tensor, groups: int) -> Iterator[Tensor]:
    """Row indices of each micro-batch: `groups` whole groups (0: all of them), in order of their numbers."""
    numbers = torch.unique(group_N)
    for chunk in torch.split(numbers, groups or len(numbers)):
        yield torch.isin(group_N, chunk).nonzero().squeeze(1)
