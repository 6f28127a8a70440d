"""Group-relative credit (GRPO): each completion against the mean of its siblings, in units of their deviation.

Every token of a completion gets the same advantage. Pick it as the plain default when several completions of one
prompt are scored and no critic is wanted. Dividing by the deviation makes very easy and very hard prompts count more
than middling ones; `norm = none` leaves the division out (Dr. GRPO).
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Choice, Source
from workers.engine.masks import group_centred, group_std, per_row, spread
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Group-relative (GRPO)",
    formula=r"A_{i,t} = \frac{r_i - \bar r}{s + \varepsilon}",
    source=Source("Shao et al., 2024", "arXiv:2402.03300", "section 4.1.2", "https://arxiv.org/abs/2402.03300"),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i",
        r"\bar r": "mean reward of the group",
        "s": "sample deviation of the group's rewards (n − 1)",
        r"\varepsilon": "10⁻⁶",
    },
    relatives=("credit/rloo", "credit/tempo", "credit/reinforce"),
    doubts="Without the division: Liu et al., 2025 (Dr. GRPO), arXiv:2503.20783.",
)

EPSILON = 1e-6


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    *,
    norm: Annotated[str, Choice(("std", "none")), "divide by the group's deviation, or not (Dr. GRPO)"] = "std",
) -> Credit:
    """One advantage a completion, on each of its chosen tokens; 0 for a group of one or of equal rewards."""
    reward_N = per_row(reward_NT.detach(), rollouts.mask_NT)
    advantage_N = group_centred(reward_N, rollouts.group_N)
    if norm == "std":
        advantage_N = advantage_N / (group_std(reward_N, rollouts.group_N) + EPSILON)
    return Credit(spread(advantage_N, rollouts.mask_NT))
