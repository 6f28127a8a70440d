"""KL to the reference, low-variance estimate (k3): never negative, and unbiased for tokens that the policy sampled.

The usual penalty of GRPO. Pick it to hold a policy near its start. On-policy its gradient is that of the other
direction, KL(reference, policy): near the reference the two agree, far from it they do not.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Real, Source
from workers.engine.masks import log_ratio
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="KL, low-variance estimate (k3)",
    formula=r"\ell_t = \beta\,(e^{d_t} - d_t - 1), \qquad d_t = \log \pi_{\mathrm{ref}}(y_t) - \log \pi_\theta(y_t)",
    source=Source("Schulman, 2020", "Approximating KL divergence", "k3", "http://joschu.net/blog/kl-approx.html"),
    symbols={
        r"\ell_t": "loss of token t",
        r"\beta": "coefficient",
        "d_t": "log-ratio of the reference policy to the policy, held at 20 or less",
        r"\pi_\theta": "the policy",
        r"\pi_{\mathrm{ref}}": "the reference policy",
    },
    relatives=("regularisers/kl_k1", "regularisers/kl_k2"),
)


def regularise(
    now: Pass,
    ref_logp_NT: Tensor,
    *,
    coef: Annotated[float, Real(0), "coefficient of the penalty"] = 0.05,
) -> Loss:
    """The penalty of every token; the statistic `kl` is the estimate in nats, without the coefficient."""
    difference_NT = log_ratio(ref_logp_NT.detach(), now.logp_NT, now.mask_NT)
    kl_NT = difference_NT.expm1() - difference_NT
    return Loss(coef * kl_NT, {"kl": kl_NT.detach()})
