"""Clipped surrogate (PPO): the probability ratio times the advantage, without reward for leaving the clip range.

Pick it when a batch is used for several updates. The two bounds may differ: a wider upper bound (DAPO's clip-higher)
lets rare tokens rise. The dual clip also bounds the loss of a token with negative advantage whose ratio has become
very large.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Flag, Real, Source
from workers.engine.masks import log_ratio, masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="Clipped surrogate (PPO)",
    formula=r"\ell_t = -\min\bigl(\rho_t A_t,\ \mathrm{clip}(\rho_t,\, 1-\varepsilon_l,\, 1+\varepsilon_h)\, A_t\bigr)",
    source=Source("Schulman et al., 2017", "arXiv:1707.06347", "eq. 7", "https://arxiv.org/abs/1707.06347"),
    symbols={
        r"\ell_t": "loss of token t; with the dual clip and A < 0 at most −cA",
        r"\rho_t": "ratio of the token's probability now to that when it was sampled",
        "A_t": "advantage of token t",
        r"\varepsilon_l": "lower clip",
        r"\varepsilon_h": "upper clip",
    },
    relatives=("objectives/policy_gradient",),
    doubts="Asymmetric bounds: Yu et al., 2025 (DAPO), arXiv:2503.14476. Dual clip: Ye et al., 2020, arXiv:1912.09729.",
)


def objective(
    now: Pass,
    was: Pass,
    advantage_NT: Tensor,
    *,
    eps_low: Annotated[float, Real(0, 1), "the ratio gains nothing below 1 less this"] = 0.2,
    eps_high: Annotated[float, Real(0), "the ratio gains nothing above 1 plus this"] = 0.2,
    dual: Annotated[bool, Flag(), "also bound the loss where the advantage is negative"] = False,
    dual_bound: Annotated[float, Real(1, open_low=True), "dual clip: the loss is at most this times |advantage|"] = 3.0,
) -> Loss:
    """The clipped loss of every token; statistics: `ratio`, and `clip_fraction`, 1 where a bound decides.

    Where a bound decides the token gets no gradient. The log-ratio is held at 20 or less.
    """
    ratio_NT = log_ratio(now.logp_NT, was.logp_NT.detach(), now.mask_NT).exp()
    advantage_NT = masked(advantage_NT, now.mask_NT).detach()
    plain_NT = ratio_NT * advantage_NT
    gain_NT = torch.minimum(plain_NT, ratio_NT.clamp(1 - eps_low, 1 + eps_high) * advantage_NT)
    if dual:
        least_NT = torch.where(advantage_NT < 0, dual_bound * advantage_NT, -torch.inf)
        gain_NT = torch.maximum(gain_NT, least_NT)
    statistics = {
        "clip_fraction": (gain_NT != plain_NT).to(ratio_NT.dtype),
        "ratio": masked(ratio_NT, now.mask_NT).detach(),
    }
    return Loss(-gain_NT, statistics)
