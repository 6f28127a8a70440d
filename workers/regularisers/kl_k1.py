"""KL to the reference, plain estimate (k1): the difference of the log-probabilities of the sampled token.

Unbiased, of high variance, negative on many tokens. Added to a loss its gradient averages to zero on-policy, whatever
the distance is: it belongs into a reward. Pick k2 or k3 to hold a policy back; k1 is here to be compared with them.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Departure, Real, Source
from workers.engine.masks import masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="KL, plain estimate (k1)",
    formula=r"\ell_t = \beta\,(\log \pi_\theta(y_t) - \log \pi_{\mathrm{ref}}(y_t))",
    source=Source("Schulman, 2020", "Approximating KL divergence", "k1", "http://joschu.net/blog/kl-approx.html"),
    symbols={
        r"\ell_t": "loss of token t",
        r"\beta": "coefficient",
        r"\pi_\theta": "the policy",
        r"\pi_{\mathrm{ref}}": "the reference policy",
    },
    relatives=("regularisers/kl_k2", "regularisers/kl_k3"),
    departs=(
        Departure(
            "pulls towards the reference", "its gradient is the same on both sides: it estimates a value, not a pull"
        ),
    ),
    doubts="As a loss its expected gradient is zero: the value estimates KL, the gradient does not.",
)


def regularise(
    now: Pass,
    ref_logp_NT: Tensor,
    *,
    coef: Annotated[float, Real(0), "coefficient of the penalty"] = 0.05,
) -> Loss:
    """The penalty of every token; the statistic `kl` is the estimate in nats, without the coefficient."""
    kl_NT = masked(now.logp_NT - ref_logp_NT.detach(), now.mask_NT)
    return Loss(coef * kl_NT, {"kl": kl_NT.detach()})
