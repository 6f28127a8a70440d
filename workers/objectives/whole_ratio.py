"""Ratio of whole completions: the clipped surrogate with a completion as one action, the product of its tokens' ratios.

Leave-one-out REINFORCE as it is mostly run (RLOO): the exact correction for completions that an older policy sampled,
where token ratios and their geometric mean are approximations. The product strays far from 1 in long completions, and
then most of them are clipped: pick it with short completions and few passes, otherwise `gspo`. It belongs to credit of
whole completions and to the reduction `fixed_length` with length 1, which adds a completion's tokens up.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Real, Source
from workers.engine.masks import LARGEST_LOG_RATIO, masked, per_row
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="Ratio of whole completions (RLOO)",
    formula=r"\sum_t \ell_t = -\min\bigl(s A,\ \mathrm{clip}(s,\, 1-\varepsilon_l,\, 1+\varepsilon_h)\, A\bigr), "
    r"\qquad s = \prod_t \rho_t",
    source=Source("Ahmadian et al., 2024", "arXiv:2402.14740", "section 3", "https://arxiv.org/abs/2402.14740"),
    symbols={
        r"\ell_t": "loss of token t: the completion's, shared out evenly over its tokens",
        "s": "ratio of the completion's probability now to that when it was sampled",
        r"\rho_t": "ratio of token t's probability now to that when it was sampled",
        "A": "advantage of the completion",
        r"\varepsilon_l": "lower clip",
        r"\varepsilon_h": "upper clip",
    },
    relatives=("objectives/gspo", "objectives/ppo_clip", "objectives/policy_gradient", "credit/rloo"),
    doubts="The paper needs no ratio, as it learns once from each batch; ratio and bounds are those of TRL's trainer.",
)


def objective(
    now: Pass,
    was: Pass,
    advantage_NT: Tensor,
    *,
    eps_low: Annotated[float, Real(0, 1), "the completion's ratio gains nothing below 1 less this"] = 0.2,
    eps_high: Annotated[float, Real(0), "the completion's ratio gains nothing above 1 plus this"] = 0.2,
) -> Loss:
    """The clipped loss of each completion, on its tokens; statistics: `ratio`, and `clip_fraction`, 1 where a bound
    decides.

    Each token's gradient is the completion's ratio times its advantage, or 0 where a bound decides. The log-ratio is
    held at 20 or less.
    """
    mask_NT = now.mask_NT
    moved_N1 = per_row(now.logp_NT - was.logp_NT, mask_NT).detach()[:, None]
    own_NT = masked(now.logp_NT - now.logp_NT.detach(), mask_NT)
    ratio_NT = (moved_N1 + own_NT).clamp(max=LARGEST_LOG_RATIO).exp()
    advantage_NT = masked(advantage_NT, mask_NT).detach()
    plain_NT = ratio_NT * advantage_NT
    gain_NT = torch.minimum(plain_NT, ratio_NT.clamp(1 - eps_low, 1 + eps_high) * advantage_NT)
    # In value one share of the completion's loss a token, in gradient all of it: each token moves the whole product.
    share_NT = gain_NT.detach() / mask_NT.sum(dim=1, keepdim=True).clamp(min=1)
    statistics = {
        "clip_fraction": (gain_NT != plain_NT).to(ratio_NT.dtype),
        "ratio": masked(ratio_NT, mask_NT).detach(),
    }
    return Loss(-(gain_NT - gain_NT.detach() + share_NT), statistics)
