"""Entropy bonus: a loss that falls as the policy's next-token distribution spreads out.

Pick it when the policy narrows before it has found the good answers. A large coefficient makes text random, since
every position counts, and most of them should be certain.
"""

from typing import Annotated

from workers.contract.card import Card, Real, Source
from workers.engine.masks import masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="Entropy bonus",
    formula=r"\ell_t = -\beta\, H\bigl(\pi_\theta(\cdot \mid y_{<t})\bigr)",
    source=Source(
        "Williams and Peng, 1991", "Connection Science 3(3)", "", "https://doi.org/10.1080/09540099108946587"
    ),
    symbols={
        r"\ell_t": "loss of token t",
        r"\beta": "coefficient",
        "H": "entropy of the next-token distribution, nats",
        r"\pi_\theta": "the policy",
    },
    relatives=("regularisers/kl_k3",),
)


def regularise(
    now: Pass,
    *,
    coef: Annotated[float, Real(0), "coefficient of the bonus"] = 0.01,
) -> Loss:
    """Minus the entropy of every position times the coefficient; the statistic `entropy` is in nats."""
    assert now.entropy_NT is not None, "the entropy bonus needs a pass that computed entropies"
    entropy_NT = masked(now.entropy_NT, now.mask_NT)
    return Loss(-coef * entropy_NT, {"entropy": entropy_NT.detach()})
