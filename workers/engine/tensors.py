"""The frozen records that move between rooms. Names carry their axes (see `contract/letters.md`).

Each record checks its shapes once, when it is made, and is trusted afterwards.
"""

from collections.abc import Callable, Mapping
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
    is one, the method's `memory` for the next step, and numbers of the whole batch that become curves."""

    advantage_NT: Tensor
    target_NT: Tensor | None = None
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    statistics: Mapping[str, float] = field(default_factory=dict)


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


@dataclass(frozen=True)
class GroupLoss:
    """One loss for each group of the rows at hand, in order of the groups' numbers, and `statistics` (N, T) as in
    `Loss`. The engine takes the mean over all groups of the batch; the reduction has no say."""

    loss_P: Tensor
    statistics: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Shaped:
    """Rewards after shaping: `value_NK` (what stands at cells without a value is ignored), and the method's memory."""

    value_NK: Tensor
    memory: Mapping[str, Tensor] = field(default_factory=dict)


RefValues = Callable[[int], Tensor]
"""`ref_values(most)` gives (N, K, J): the rewards of J = `most` completions that the reference policy (the model of
step 0) wrote to each row's prompt, NaN where a reward says nothing. They are sampled when first asked for, once a
prompt, and remembered."""


@dataclass(frozen=True)
class Weights:
    """The weights of K rewards in this step, and the method's memory."""

    weight_K: Tensor
    memory: Mapping[str, Tensor] = field(default_factory=dict)


OverVocabulary = Callable[[Callable[[Tensor, Tensor], Tensor]], Tensor]
"""`over_vocabulary(function)` gives (N, T), zero outside the mask: `function(now_MV, was_MV)` of the log-probabilities
of every next token at M chosen places (now with gradient, was without) gives one number a place. It is called chunk
by chunk, so that memory does not grow with the batch."""


@dataclass(frozen=True)
class Progress:
    """Where the run stands: `step` counts from 1, `steps` is how many there will be."""

    step: int
    steps: int

    @property
    def share(self) -> float:
        """What is done before this step, 0 at the first and below 1 at the last."""
        return (self.step - 1) / self.steps


@dataclass(frozen=True)
class Ahead:
    """P prompts before anything is sampled. `past_PH` holds what their newest completions earned, newest first, NaN
    behind; `drawn_P` how many completions the last visit drew (0: never met). `siblings` is the mean number of
    completions a prompt that the step may spend."""

    past_PH: Tensor
    drawn_P: Tensor
    siblings: int


@dataclass(frozen=True)
class Candidates:
    """Completions that may be learned from: `reward_N` is the shaped and weighted sum, `tag_N` what a wish marked a
    row with (−1: an ordinary one), `round` how often the selection was called in this step before. `advantage_NT`
    is given once credit is known."""

    rollouts: Rollouts
    reward_N: Tensor
    tag_N: Tensor
    progress: Progress
    round: int = 0
    advantage_NT: Tensor | None = None


@dataclass(frozen=True)
class Wish:
    """A further completion that a selection wants before it decides.

    `group` is the group it joins; −1 asks for the next prompt of the source, with as many `siblings` as the step has.
    `prompt` puts the group's problem in other words. A completion is sampled, unless `text` gives it or `copy` takes
    that of an earlier row; with `keep` of 0 or more it is sampled on from the first `keep` tokens of row `copy`.
    `tag` (0 or more) marks the new row.
    """

    group: int = -1
    prompt: str | None = None
    text: str | None = None
    copy: int = -1
    keep: int = -1
    tag: int = 0


@dataclass(frozen=True)
class Selection:
    """What a selection decided.

    Before sampling it gives `count_P`, the completions of each prompt. Afterwards `weight_N` ≥ 0 (a row with 0 is left
    out, from here on) and, once credit is known, `weight_NT` (a token with 0 is not learned from). While there are
    `wishes` nothing is decided: they are fulfilled and the method is called again with all rows, the new ones behind.
    """

    weight_N: Tensor | None = None
    weight_NT: Tensor | None = None
    count_P: Tensor | None = None
    wishes: tuple[Wish, ...] = ()
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    statistics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pairs:
    """E pairs under one model: log-probabilities of each token, (E, T), zero outside the masks; the same prompt."""

    chosen: Pass
    rejected: Pass


@dataclass(frozen=True)
class Labelled:
    """E completions under one model, each by itself good or not."""

    completion: Pass
    good_E: Tensor
