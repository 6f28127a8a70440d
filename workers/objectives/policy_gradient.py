"""Plain policy gradient: raise the log-probability of each token in proportion to its advantage.

Pick it on-policy, with one pass over each batch. With several passes nothing keeps the policy near the one that
sampled: take a clipped objective then.
"""

from torch import Tensor

from workers.contract.card import Card, Source
from workers.engine.masks import masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="Policy gradient",
    formula=r"\ell_t = -A_t \,\log \pi_\theta(y_t \mid y_{<t})",
    source=Source(
        "Sutton et al., 1999",
        "Policy gradient methods for reinforcement learning with function approximation, NeurIPS 12",
        "theorem 1",
        "https://papers.nips.cc/paper/1713-policy-gradient-methods-for-reinforcement-learning-with-function-approximation",
    ),
    symbols={
        r"\ell_t": "loss of token t",
        "A_t": "advantage of token t",
        r"\pi_\theta": "the policy",
        "y_t": "token t of the completion",
    },
    relatives=("objectives/ppo_clip",),
)


def objective(now: Pass, advantage_NT: Tensor) -> Loss:
    """Minus advantage times log-probability, nats, for every token."""
    return Loss(-masked(advantage_NT, now.mask_NT).detach() * masked(now.logp_NT, now.mask_NT))
