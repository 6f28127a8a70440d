"""REINFORCE++: the outcome less a penalty for leaving the reference from here on, standardised over the whole batch.

Every token is owed the completion's reward minus the log-ratio to the reference summed over what follows, in units of
the batch's deviation. A group's deviation, as in GRPO, is estimated from a handful of siblings and makes nearly solved
and nearly hopeless prompts loud; the batch's does not. Pick `baseline = none` with one completion a prompt and
`baseline = group` (REINFORCE++-baseline) with several: then each completion is first compared with its siblings.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Real, Source
from workers.engine.masks import group_centred, masked, per_row, spread, standardised
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Batch-normalised (REINFORCE++)",
    formula=r"A_{i,t} = \frac{R_{i,t} - \bar R}{s}, \qquad R_{i,t} = r_i - b - \beta \sum_{u \ge t} "
    r"\log \frac{\pi_{\mathrm{old}}(y_{i,u})}{\pi_{\mathrm{ref}}(y_{i,u})}",
    source=Source("Hu et al., 2025", "arXiv:2501.03262", "section 3", "https://arxiv.org/abs/2501.03262"),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i",
        "b": "mean reward of the group (baseline = group), or 0",
        r"\beta": "coefficient of the penalty (the estimate k1)",
        r"\pi_{\mathrm{old}}": "the policy that sampled",
        r"\pi_{\mathrm{ref}}": "the reference policy",
        r"\bar R": "mean over all tokens of the batch",
        "s": "deviation over all tokens of the batch",
    },
    relatives=("credit/grpo", "credit/reinforce", "regularisers/kl_k1"),
    departs=(Departure("stays in its group", "mean and deviation are those of the whole batch, which is its point"),),
    doubts="The paper with a group baseline puts the penalty into the loss instead (k2): take a coefficient of 0 here "
    "and a regulariser for that.",
    exhibit=Exhibit(
        claim="On problems of mixed difficulty the norm of the gradient varies less than with the group's deviation, "
        "and accuracy rises no slower.",
        watch=("heldout/accuracy",),
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
        },
        baseline={"credit": {"kind": "credit", "name": "grpo", "params": {}}},
        variant={"credit": {"kind": "credit", "name": "reinforce_pp", "params": {"baseline": "group"}}},
        found="The gradient's norm varies less over the run in each of three seeds of 25 steps, its deviation in "
        "units of its mean 0.22 against 0.38 (GRPO), difference -0.160 [-0.435, +0.115], which these seeds do "
        "not tell from nothing. Held-out accuracy 0.520 against 0.514, difference +0.006 [-0.037, +0.050]: no "
        "slower, as far as they tell.",
    ),
)


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    ref_logp_NT: Tensor,
    *,
    baseline: Annotated[str, Choice(("none", "group")), "subtract the group's mean reward first, or not"] = "none",
    kl_coef: Annotated[float, Real(0), "coefficient of the penalty for leaving the reference"] = 0.01,
) -> Credit:
    """One advantage a token; exactly 0 where all returns of the batch are equal."""
    mask_NT = rollouts.mask_NT
    reward_N = per_row(reward_NT.detach(), mask_NT)
    if baseline == "group":
        reward_N = group_centred(reward_N, rollouts.group_N)
    kl_NT = masked(rollouts.logp_NT - ref_logp_NT.detach(), mask_NT)
    from_here_NT = kl_NT.flip(1).cumsum(1).flip(1)
    return Credit(standardised(spread(reward_N, mask_NT) - kl_coef * masked(from_here_NT, mask_NT), mask_NT))
