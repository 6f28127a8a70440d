"""The batch that every method is tried on, awkward on purpose, and what the contract tests share.

Rows: 0 full, 1 one token, 2 a hole, 3 cut off, 4 failed, 5-7 equal rewards that no binary fraction holds, 8 alone in
its group, 9 nothing at all. Groups are not neighbours. Behind the mask stands junk: 10⁶ and NaN.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from workers.contract.answers import CUT_OFF, FAILED, FINISHED, Answers
from workers.contract.card import Choice, Flag, Real, Whole
from workers.contract.catalogue import Catalogue, read_catalogue
from workers.contract.limits import Param
from workers.contract.method import Method
from workers.engine.load import Loaded, call, load
from workers.engine.masks import per_row
from workers.engine.tensors import Credit, Loss, Pass, Progress, Rollouts

JUNK = 1e6
NAN = float("nan")
MASK = (
    (1, 1, 1, 1, 1, 1),
    (1, 0, 0, 0, 0, 0),
    (1, 1, 0, 0, 1, 1),
    (1, 1, 1, 1, 1, 1),
    (1, 1, 1, 0, 0, 0),
    (1, 1, 0, 0, 0, 0),
    (1, 1, 1, 0, 0, 0),
    (1, 0, 0, 0, 0, 0),
    (1, 1, 1, 1, 0, 0),
    (0, 0, 0, 0, 0, 0),
)
TOKEN = (
    (1, 2, 3, 4, 5, 6),
    (1, 0, 0, 0, 0, 0),
    (7, 8, 9, 9, 1, 2),
    (1, 2, 3, 9, 5, 6),
    (7, 8, 1, 0, 0, 0),
    (1, 2, 0, 0, 0, 0),
    (1, 2, 4, 0, 0, 0),
    (3, 0, 0, 0, 0, 0),
    (5, 5, 5, 5, 0, 0),
    (0, 0, 0, 0, 0, 0),
)
GROUP = (0, 0, 1, 0, 1, 2, 2, 2, 3, 1)
REWARD = (1.0, 0.0, 1.0, 0.3, 0.0, 0.1, 0.1, 0.1, 1.0, 0.0)
ENDS = (FINISHED, FINISHED, FINISHED, CUT_OFF, FAILED, FINISHED, FINISHED, FINISHED, FINISHED, FAILED)
# (row, position, log-ratio, advantage): the extremes are placed, not drawn.
EXTREMES = ((0, 0, 100.0, 1.0), (0, 1, 100.0, -1.0), (0, 2, -100.0, 1.0), (0, 3, -100.0, -1.0))


@dataclass(frozen=True)
class Stage:
    """Everything that a method may ask for, on the awkward batch."""

    rollouts: Rollouts
    reward_NT: Tensor
    value_NT: Tensor
    advantage_NT: Tensor
    now: Pass
    was: Pass
    ref_logp_NT: Tensor

    @property
    def mask_NT(self) -> Tensor:
        """Where the policy chose."""
        return self.rollouts.mask_NT

    def supplied(self, **others: Any) -> dict[str, object]:
        """By the names of `contract/kinds.py`, with `others` in the place of what is here."""
        reward_N = per_row(others.get("reward_NT", self.reward_NT).detach(), self.mask_NT)
        given = {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "mask_NT": self.mask_NT,
            "memory": {},
            "group_N": self.rollouts.group_N,
            "reward_N": reward_N,
            "reward_NK": reward_N[:, None],
            "tag_N": torch.full((len(self.mask_NT),), -1),
            "segment_NT": torch.where(self.mask_NT, torch.arange(self.mask_NT.shape[1]) // 2, -1),
            "progress": Progress(3, 10),
            "generator": torch.Generator().manual_seed(0),
            "over_vocabulary": self.over_vocabulary,
        }
        return {**given, **others}

    def over_vocabulary(self, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """A vocabulary of two tokens: the chosen one (of probability below 1, whatever the extremes say), and the
        other."""
        mask_NT = self.now.mask_NT
        chosen = [one.logp_NT[mask_NT].double().clamp(max=-1e-6) for one in (self.now, self.was)]
        now_MV, was_MV = (torch.stack([logp_M, torch.log1p(-logp_M.exp())], dim=1) for logp_M in chosen)
        value_M = function(now_MV, was_MV.detach()).to(self.now.logp_NT.dtype)
        return torch.zeros(mask_NT.shape, dtype=value_M.dtype).masked_scatter(mask_NT, value_M)


def stage(dtype: torch.dtype = torch.float32, junk: float = JUNK, extremes: bool = False) -> Stage:
    """The batch; `extremes` places log-ratios of ±100 with advantages of ±1 on its first row."""
    mask_NT = torch.tensor(MASK, dtype=torch.bool)
    shape = mask_NT.shape
    step_NT = torch.arange(mask_NT.numel(), dtype=dtype).reshape(shape)
    was_NT = -0.5 - 0.03 * step_NT
    ratio_NT = 0.4 * torch.sin(1.7 * step_NT + 0.3)
    advantage_NT = torch.cos(2.3 * step_NT)
    for row, position, log_ratio, advantage in EXTREMES if extremes else ():
        ratio_NT[row, position], advantage_NT[row, position] = log_ratio, advantage
    reward_NT = torch.zeros(shape, dtype=dtype)
    for row, reward in enumerate(REWARD):
        if mask_NT[row].any():
            reward_NT[row, int(mask_NT[row].nonzero()[-1])] = reward
    token_NT = torch.tensor(TOKEN)
    ended_NT = mask_NT.flip(1).cumsum(1).flip(1) == 0
    return Stage(
        rollouts=Rollouts(
            prompt_NL=torch.zeros((shape[0], 2), dtype=torch.long),
            prompt_mask_NL=torch.ones((shape[0], 2), dtype=torch.bool),
            token_NT=torch.where(ended_NT, int(JUNK) if junk == JUNK else 0, token_NT),
            mask_NT=mask_NT,
            logp_NT=_hide(was_NT, mask_NT, junk),
            group_N=torch.tensor(GROUP),
            answers=answers(shape[0]),
        ),
        reward_NT=_hide(reward_NT, mask_NT, junk),
        value_NT=_hide(0.1 * torch.sin(step_NT), mask_NT, junk),
        advantage_NT=torch.where(mask_NT, advantage_NT, 0.0),
        now=Pass(_hide(was_NT + ratio_NT, mask_NT, junk), mask_NT, _hide(0.2 + 0.01 * step_NT, mask_NT, junk)),
        was=Pass(_hide(was_NT, mask_NT, -junk), mask_NT),
        ref_logp_NT=_hide(was_NT, mask_NT, -junk),
    )


def _hide(value_NT: Tensor, mask_NT: Tensor, junk: float) -> Tensor:
    return torch.where(mask_NT, value_NT, junk)


def answers(count: int) -> Answers:
    """Texts that agree with the rollouts in number and length; what they say does not matter here."""
    return Answers(
        texts=tuple(f"{row}#{row}" for row in range(count)),
        prompts=("?",) * count,
        lengths=tuple(sum(MASK[row % len(MASK)]) for row in range(count)),
        ends=tuple(ENDS[row % len(ENDS)] for row in range(count)),
        columns={"answer": ("1",) * count},
        verdicts=(None,) * count,
    )


def rows(made: Stage, order: list[int]) -> Stage:
    """Some rows of the batch in another order (the texts, which no credit reads, stay)."""
    index = torch.tensor(order)
    shuffled = replace(
        made.rollouts,
        **{
            name: getattr(made.rollouts, name)[index] for name in ("prompt_NL", "prompt_mask_NL", "token_NT", "mask_NT")
        },
        logp_NT=made.rollouts.logp_NT[index],
        group_N=made.rollouts.group_N[index],
        answers=answers(len(order)),
    )
    return replace(
        made,
        rollouts=shuffled,
        now=_rows_of(made.now, index),
        was=_rows_of(made.was, index),
        **{name: getattr(made, name)[index] for name in ("reward_NT", "value_NT", "advantage_NT", "ref_logp_NT")},
    )


def _rows_of(one: Pass, index: Tensor) -> Pass:
    return Pass(one.logp_NT[index], one.mask_NT[index], None if one.entropy_NT is None else one.entropy_NT[index])


def padded(made: Stage, columns: int) -> Stage:
    """The same batch with more padding on the right, filled with junk."""

    def wider(value_NT: Tensor, fill: float) -> Tensor:
        more = torch.full((value_NT.shape[0], columns), fill).to(value_NT.dtype)
        return torch.cat([value_NT, more], dim=1)

    rollouts = replace(
        made.rollouts,
        token_NT=wider(made.rollouts.token_NT, 77),
        mask_NT=wider(made.rollouts.mask_NT, 0),
        logp_NT=wider(made.rollouts.logp_NT, NAN),
    )
    wide = ("reward_NT", "value_NT", "ref_logp_NT")
    more: dict[str, Any] = {name: wider(getattr(made, name), NAN) for name in wide}
    return replace(made, rollouts=rollouts, **more)


@cache
def catalogue() -> Catalogue:
    """The real catalogue, read once a session."""
    return read_catalogue()


def names(kind: str) -> list[str]:
    """The methods of a kind, for `parametrize`."""
    return sorted(method.name for method in catalogue().of(kind))


def variants(kind: str) -> list[tuple[str, dict[str, object]]]:
    """Every method of a kind with its defaults, and with one parameter at a time at each of its ends or options."""
    return [(method.name, params) for method in catalogue().of(kind) for params in _settings(method)]


def _settings(method: Method) -> Iterator[dict[str, object]]:
    yield {}
    for param in method.params:
        for value in _ends(param):
            if value != param.default:
                yield {param.name: value}


def _ends(param: Param) -> list[object]:
    limit: Any = param.limit
    if isinstance(limit, Flag):
        return [False, True]
    if isinstance(limit, Choice):
        return list(limit.options)
    if isinstance(limit, Real | Whole):
        opened = (getattr(limit, "open_low", False), getattr(limit, "open_high", False))
        ends = zip((limit.low, limit.high), opened, strict=True)
        kind = int if isinstance(limit, Whole) else float
        return [kind(end) for end, is_open in ends if end is not None and not is_open]
    return []


def departs(loaded: Loaded, promise: str) -> bool:
    """Whether a method says that it breaks this promise on purpose."""
    return any(departure.promise == promise for departure in loaded.method.card.departs)


def run_credit(name: str, made: Stage, params: dict[str, object] | None = None, **others: object) -> Credit:
    """A credit method on a stage."""
    credit = call(load("credit", name), made.supplied(**others), params or {})
    assert isinstance(credit, Credit)
    return credit


def run_loss(kind: str, name: str, made: Stage, params: dict[str, object] | None = None, **others: object) -> Loss:
    """An objective or a regulariser that gives a loss for every token, on a stage."""
    loss = call(load(kind, name), made.supplied(**others), params or {})
    assert isinstance(loss, Loss)
    return loss


def gradients(kind: str, name: str, made: Stage, params: dict[str, object]) -> tuple[Loss, dict[str, Tensor]]:
    """A loss, and the gradients of its sum by everything that could carry one; zeros where none comes back."""
    leaves, moved = leaves_of(made)
    loss = run_loss(kind, name, moved, params)
    found = torch.autograd.grad(loss.token_NT.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True)
    return loss, dict(zip(leaves, found, strict=True))


def leaves_of(made: Stage) -> tuple[dict[str, Tensor], Stage]:
    """Everything that could carry a gradient, and the stage made of it."""
    entropy_NT = made.now.entropy_NT
    leaves = {
        "logp": made.now.logp_NT.clone().requires_grad_(),
        "entropy": (torch.zeros_like(made.now.logp_NT) if entropy_NT is None else entropy_NT.clone()).requires_grad_(),
        "was": made.was.logp_NT.clone().requires_grad_(),
        "ref": made.ref_logp_NT.clone().requires_grad_(),
        "advantage": made.advantage_NT.clone().requires_grad_(),
    }
    moved = replace(
        made,
        now=Pass(leaves["logp"], made.now.mask_NT, leaves["entropy"]),
        was=Pass(leaves["was"], made.now.mask_NT),
        ref_logp_NT=leaves["ref"],
        advantage_NT=leaves["advantage"],
    )
    return leaves, moved


def slope(kind: str, name: str, made: Stage, params: dict[str, object], field: str, step: float = 1e-6) -> Tensor:
    """The loss's gradient by `now.logp_NT` or `now.entropy_NT`, from differences on both sides of each token.

    A token's loss depends on that token alone, so all of them may be moved at once.
    """
    ends = []
    for sign in (1, -1):
        now = replace(made.now, **{field: getattr(made.now, field) + sign * step})
        ends.append(run_loss(kind, name, replace(made, now=now), params).token_NT)
    return (ends[0] - ends[1]) / (2 * step)
