"""Leave-one-out credit (RLOO): each completion against the mean reward of its siblings without itself.

The baseline does not contain the completion's own reward, so the policy gradient stays unbiased. Pick it when rewards
have a scale that should matter: nothing is divided by a deviation. It is group-mean credit times G / (G − 1).
"""

from torch import Tensor

from workers.contract.card import Card, Source
from workers.engine.masks import group_centred, group_size, per_row, spread
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Leave-one-out (RLOO)",
    formula=r"A_{i,t} = r_i - \frac{1}{G-1} \sum_{j \ne i} r_j = \frac{G}{G-1}\,(r_i - \bar r)",
    source=Source("Ahmadian et al., 2024", "arXiv:2402.14740", "section 3", "https://arxiv.org/abs/2402.14740"),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i",
        r"\bar r": "mean reward of the group",
        "G": "completions in the group",
    },
    relatives=("credit/grpo", "credit/reinforce"),
    doubts="The estimator is older: Kool et al., 2019, “Buy 4 REINFORCE samples, get a baseline for free”.",
)


def credit(rollouts: Rollouts, reward_NT: Tensor) -> Credit:
    """One advantage a completion, on each of its chosen tokens; 0 for a group of one, which has no siblings."""
    reward_N = per_row(reward_NT.detach(), rollouts.mask_NT)
    size_N = group_size(rollouts.group_N)
    advantage_N = group_centred(reward_N, rollouts.group_N) * size_N / (size_N - 1).clamp(min=1)
    return Credit(spread(advantage_N, rollouts.mask_NT))
