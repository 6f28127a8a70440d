"""KL to the reference, squared estimate (k2): half the squared difference of log-probabilities.

Never negative and of low variance; its value is biased far from the reference, but on-policy its gradient is that of
the true KL. Pick it when the pull itself matters more than the number on the curve.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Real, Source
from workers.engine.masks import masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="KL, squared estimate (k2)",
    formula=r"\ell_t = \frac{\beta}{2}\,\bigl(\log \pi_\theta(y_t) - \log \pi_{\mathrm{ref}}(y_t)\bigr)^2",
    source=Source("Schulman, 2020", "Approximating KL divergence", "k2", "http://joschu.net/blog/kl-approx.html"),
    symbols={
        r"\ell_t": "loss of token t",
        r"\beta": "coefficient",
        r"\pi_\theta": "the policy",
        r"\pi_{\mathrm{ref}}": "the reference policy",
    },
    relatives=("regularisers/kl_k1", "regularisers/kl_k3"),
)


def regularise(
    now: Pass,
    ref_logp_NT: Tensor,
    *,
    coef: Annotated[float, Real(0), "coefficient of the penalty"] = 0.05,
) -> Loss:
    """The penalty of every token; the statistic `kl` is the estimate in nats, without the coefficient."""
    kl_NT = masked(now.logp_NT - ref_logp_NT.detach(), now.mask_NT).square() / 2
    return Loss(coef * kl_NT, {"kl": kl_NT.detach()})
