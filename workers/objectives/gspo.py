"""Sequence ratio (GSPO): the clipped surrogate with one ratio for a whole completion, the geometric mean of its tokens.

A reward says something of a completion, so the correction for having sampled it from an older policy is made for the
completion too: the noise of single tokens' ratios averages out, and a completion is clipped as a whole or not at all.
Pick it with long completions and several updates a batch, or where token ratios jump (mixtures of experts). With
`level = step` each line of the completion has a ratio of its own. The sequence's ratio stays near 1, so its bounds are
hundreds of times narrower than those of token ratios, and many more tokens are clipped.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Exhibit, Real, Source
from workers.engine.masks import LARGEST_LOG_RATIO, masked
from workers.engine.tensors import Loss, Pass

CARD = Card(
    title="Sequence ratio (GSPO)",
    formula=r"\ell_t = -\min\bigl(s_t A_t,\ \mathrm{clip}(s_t,\, 1-\varepsilon_l,\, 1+\varepsilon_h)\, A_t\bigr), "
    r"\qquad s_t = \Bigl( \prod_{u \in S(t)} \rho_u \Bigr)^{1/|S(t)|}",
    source=Source("Zheng et al., 2025", "arXiv:2507.18071", "eq. 5 to 7, 13", "https://arxiv.org/abs/2507.18071"),
    symbols={
        r"\ell_t": "loss of token t",
        "s_t": "sequence ratio; its gradient is taken at the token itself (GSPO-token)",
        r"\rho_u": "ratio of token u's probability now to that when it was sampled",
        "S(t)": "chosen tokens of the completion, or of the step, that token t stands in",
        "A_t": "advantage of token t",
        r"\varepsilon_l": "lower clip",
        r"\varepsilon_h": "upper clip",
    },
    relatives=("objectives/ppo_clip", "objectives/cispo"),
    doubts="Written as the paper's GSPO-token, which equals GSPO in value, bounds and gradient when all tokens of a "
    "completion have one advantage, and stays a policy gradient when they do not. Ratios of steps are ours.",
    exhibit=Exhibit(
        claim="A hundred times more tokens are clipped than with token ratios, and accuracy rises no slower.",
        watch=("clip_fraction", "heldout/accuracy"),
        shared={
            "budget.steps": 20,
            "budget.eval_every": 4,
            "batch_prompts": 6,
            "optimiser.learning_rate": 0.0001,
            "optimiser.passes": 4,
            "prompts.task.params": {"level": 3},
        },
        baseline={"objective": {"kind": "objectives", "name": "ppo_clip", "params": {}}},
        variant={
            "objective": {"kind": "objectives", "name": "gspo", "params": {}},
            "reduction": {"kind": "reductions", "name": "sequence_mean", "params": {}},
        },
        found="The first half appears: 0.55 of the tokens are clipped against 0.0057, about a hundred times as "
        "many, difference +0.544 [+0.409, +0.680] over three seeds of 20 steps of four passes. Accuracy does "
        "not keep up so soon: 0.581 against 0.638 held out, difference -0.056 [-0.150, +0.038], lower in "
        "every seed, though these seeds do not tell.",
    ),
)


def objective(
    now: Pass,
    was: Pass,
    advantage_NT: Tensor,
    segment_NT: Tensor,
    *,
    level: Annotated[str, Choice(("completion", "step")), "one ratio a completion, or one a step (a line of it)"] = (
        "completion"
    ),
    eps_low: Annotated[float, Real(0, 1), "the sequence ratio gains nothing below 1 less this"] = 0.0003,
    eps_high: Annotated[float, Real(0), "the sequence ratio gains nothing above 1 plus this"] = 0.0004,
) -> Loss:
    """The clipped loss of every token; statistics: `ratio`, and `clip_fraction`, 1 where a bound decides.

    All tokens of a sequence have one ratio; each token's gradient is that ratio times its advantage, or 0 where a bound
    decides. The log-ratio is held at 20 or less.
    """
    mask_NT = now.mask_NT
    sequence_NT = segment_NT if level == "step" else torch.zeros_like(segment_NT)
    difference_NT = masked(now.logp_NT - was.logp_NT, mask_NT).detach()
    own_NT = masked(now.logp_NT - now.logp_NT.detach(), mask_NT)
    log_NT = _sequence_mean(difference_NT, sequence_NT, mask_NT) + own_NT
    ratio_NT = log_NT.clamp(max=LARGEST_LOG_RATIO).exp()
    advantage_NT = masked(advantage_NT, mask_NT).detach()
    plain_NT = ratio_NT * advantage_NT
    gain_NT = torch.minimum(plain_NT, ratio_NT.clamp(1 - eps_low, 1 + eps_high) * advantage_NT)
    statistics = {
        "clip_fraction": (gain_NT != plain_NT).to(ratio_NT.dtype),
        "ratio": masked(ratio_NT, mask_NT).detach(),
    }
    return Loss(-gain_NT, statistics)


def _sequence_mean(value_NT: Tensor, sequence_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """The mean over the chosen tokens of a row that share a sequence's number, on each of them; 0 elsewhere."""
    number_NT = torch.where(mask_NT, sequence_NT, 0)
    shape = (value_NT.shape[0], int(number_NT.max()) + 1 if number_NT.numel() else 1)
    total_NS = value_NT.new_zeros(shape).scatter_add_(1, number_NT, value_NT)
    count_NS = value_NT.new_zeros(shape).scatter_add_(1, number_NT, mask_NT.to(value_NT.dtype))
    return masked((total_NS / count_NS.clamp(min=1)).gather(1, number_NT), mask_NT)
