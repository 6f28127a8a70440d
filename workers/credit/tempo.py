"""TEMPO: group-relative credit, and at each token where siblings part the jump in value from the prefix tree.

The completions of a prompt are merged into a prefix tree; the mean reward below a node is its value. Where the path
of a completion leaves others, the value jumps, and the token that was chosen there gets the jump on top. No critic
and no further samples. Pick it in the place of GRPO when rewards are verifiable and siblings share prefixes. The
paper's text may discount or weigh the jump; its code does neither. Foreign tokens belong to the path, but what they
change in value is owed to nobody.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Choice, Real, Source
from workers.engine.masks import group_centred, group_std, masked, per_row
from workers.engine.tensors import Credit, Rollouts
from workers.engine.tree import grow

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
    advantage_NT = centred_N[:, None] + td_weight * grow(rollouts).jumps(centred_N)
    if norm == "std":
        advantage_NT = advantage_NT / (group_std(reward_N, rollouts.group_N) + EPSILON)[:, None]
    return Credit(masked(advantage_NT, mask_NT))
