"""TEMPO: group-relative credit, and at each token where siblings part the jump in value from the prefix tree.

The completions of a prompt are merged into a prefix tree; the mean reward below a node is its value. Where the path
of a completion leaves others, the value jumps, and the token that was chosen there gets the jump on top. No critic
and no further samples. Pick it in the place of GRPO when rewards are verifiable and siblings share prefixes. The
paper's text may discount or weigh the jump; its code does neither. Foreign tokens belong to the path, but what they
change in value is owed to nobody.
"""

from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Real, Source
from workers.engine.masks import group_centred, group_std, last_token, masked, per_row
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Prefix-tree credit (TEMPO)",
    formula=r"A_{i,t} = \frac{r_i - \bar r + w\,\bigl(V(S_{i,t}) - V(S_{i,t-1})\bigr)}{s + \varepsilon}",
    source=Source(
        "Tran et al., 2025",
        "arXiv:2509.18314",
        "code: compute_tempo_outcome_advantage at github.com/fatebreaker/tempo",
        "https://arxiv.org/abs/2509.18314",
    ),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i",
        r"\bar r": "mean reward of the group",
        "s": "sample deviation of the group's rewards (n − 1)",
        "S_{i,t}": "completions that share the first t tokens with i",
        "V": "mean reward of a set of completions",
        "w": "weight of the jump",
        r"\varepsilon": "10⁻⁶",
    },
    relatives=("credit/grpo",),
    doubts="The text of the paper may use discounting or a weight on the jump; its code uses neither.",
)

EPSILON = 1e-6


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    *,
    norm: Annotated[str, Choice(("std", "none")), "divide by the group's deviation, or not"] = "std",
    td_weight: Annotated[float, Real(0, 2), "weight of the value's jump; 0 is GRPO"] = 1.0,
) -> Credit:
    """Group-relative advantage plus the value's jump at each chosen token; 0 for a group of one or of equal rewards."""
    mask_NT = rollouts.mask_NT
    reward_N = per_row(reward_NT.detach(), mask_NT)
    centred_N = group_centred(reward_N, rollouts.group_N)
    advantage_NT = centred_N[:, None].expand(mask_NT.shape).clone()
    for position, jump_N in _jumps(rollouts, centred_N):
        advantage_NT[:, position] += td_weight * jump_N
    if norm == "std":
        advantage_NT = advantage_NT / (group_std(reward_N, rollouts.group_N) + EPSILON)[:, None]
    return Credit(masked(advantage_NT, mask_NT))


def _jumps(rollouts: Rollouts, value_N: Tensor) -> Iterator[tuple[int, Tensor]]:
    """V(S_t) − V(S_{t−1}) of each row at each position, until every row is alone on its path.

    A path is a number that the rows on it share. A row that has ended is on no path and counts for none.
    """
    length_N = torch.where(rollouts.mask_NT.any(dim=1), last_token(rollouts.mask_NT) + 1, 0)
    row_N = torch.arange(len(value_N), device=value_N.device)
    _, path_N = torch.unique(rollouts.group_N, return_inverse=True)
    before_N, count_N = _value(path_N, value_N)
    foreign_NT = (~rollouts.mask_NT).long()
    kinds = 2 * (int(rollouts.token_NT.max()) + 1) if rollouts.token_NT.numel() else 1
    for position in range(int(length_N.max()) if len(length_N) else 0):
        # A token that the policy chose and the same token from a tool are two branches.
        step_N = path_N * kinds + 2 * rollouts.token_NT[:, position] + foreign_NT[:, position]
        present_N = position < length_N
        _, path_N = torch.unique(torch.where(present_N, step_N, -1 - row_N), return_inverse=True)
        after_N, left_N = _value(path_N, value_N)
        # Exactly 0 where nobody left: two sums of the same numbers may round apart.
        yield position, torch.where(present_N & (left_N < count_N), after_N - before_N, 0.0)
        if bool((left_N == 1).all()):
            return
        before_N, count_N = after_N, left_N


def _value(path_N: Tensor, value_N: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of `value_N` over the rows of each row's path, and how many they are."""
    total_N = torch.zeros_like(value_N).index_add_(0, path_N, value_N)
    count_N = torch.zeros_like(path_N).index_add_(0, path_N, torch.ones_like(path_N))
    return (total_N / count_N.clamp(min=1))[path_N], count_N[path_N]
