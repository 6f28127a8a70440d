"""MDPO (mirror descent): the importance-weighted gain less a divergence from the policy that sampled, without clipping.

Each step solves a small trust-region problem: the linearised return minus (1/t) KL(policy now, policy then), by several
passes over one batch; its exact solution is the old policy times exp(t A). The divergence is taken over the whole
vocabulary at every chosen token, so it is exact and has a gradient for words that were not sampled. Pick it as a plain
alternative to the clipped surrogate, with several passes a batch: in the first of them the divergence pushes nothing.
t falls along the run; as it nears 0 the weight 1/t would grow without bound, so it stops at 0.01 (ours).

`tsallis_q` other than 1 replaces the logarithm by log_q. The source prints a mean of log_{2−q} now less log_{2−q} then
over sampled actions and leaves open which distribution they are drawn from; here the divergence is the one whose
gradient is that mean's under the present policy (Bregman's, of Tsallis entropy), which rests at the old policy.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Real, Source
from workers.engine.masks import LARGEST_LOG_RATIO, log_ratio, masked
from workers.engine.tensors import Loss, OverVocabulary, Pass, Progress

CARD = Card(
    title="Mirror descent (MDPO)",
    formula=r"\ell_t = -\rho_t A_t + \frac{1}{\eta_k} \sum_{v} \pi_\theta(v) \log \frac{\pi_\theta(v)}{\pi_k(v)}",
    source=Source("Tomar et al., 2020", "arXiv:2005.09814", "section 4", "https://arxiv.org/abs/2005.09814"),
    symbols={
        r"\ell_t": "loss of token t",
        r"\rho_t": "ratio of the token's probability now to that when it was sampled",
        "A_t": "advantage of token t",
        r"\eta_k": "step size, falling with the share of the run that is done",
        "v": "every token of the vocabulary",
        r"\pi_\theta": "the policy's next-token distribution at token t",
        r"\pi_k": "the same of the policy that sampled",
    },
    relatives=("objectives/ppo_clip", "objectives/policy_gradient"),
    departs=(
        Departure("no advantage, no push", "the divergence draws back to the policy that sampled, advantage or not"),
    ),
    exhibit=Exhibit(
        claim="With ten passes a batch accuracy rises about as fast as with the clipped surrogate, without any "
        "clipping, and the divergence from batch to batch stays bounded.",
        watch=("heldout/accuracy", "objectives/divergence"),
        shared={
            "budget.steps": 15,
            "budget.eval_every": 3,
            "optimiser.learning_rate": 0.0001,
            "optimiser.passes": 10,
            "batch_prompts": 6,
        },
        baseline={"objective": {"kind": "objectives", "name": "ppo_clip", "params": {}}},
        variant={"objective": {"kind": "objectives", "name": "mdpo", "params": {}}},
        found="The effect appears: held-out accuracy 0.903 against 0.891 (clipped surrogate), difference +0.013 "
        "[-0.044, +0.069] over three seeds of 15 steps of ten passes, both from 0.51 to 0.96 at the last "
        "step, without any clipping. The divergence from batch to batch is 0.0016 nats on average and never "
        "more than 0.008. These seeds do not tell the two apart.",
    ),
)

LEAST_STEP = 0.01


def objective(
    now: Pass,
    was: Pass,
    advantage_NT: Tensor,
    over_vocabulary: OverVocabulary,
    progress: Progress,
    *,
    t_schedule: Annotated[
        str, Choice(("linear", "constant", "sqrt")), "step size: 1 − share of the run done, 1, or 1/√step"
    ] = "linear",
    tsallis_q: Annotated[float, Real(0.5, 2), "1 is KL; other values that of Tsallis entropy"] = 1.0,
) -> Loss:
    """The loss of every token; statistics: `divergence` in nats, without its weight, and `ratio`."""
    ratio_NT = log_ratio(now.logp_NT, was.logp_NT.detach(), now.mask_NT).exp()
    advantage_NT = masked(advantage_NT, now.mask_NT).detach()
    divergence_NT = over_vocabulary(lambda now_MV, was_MV: divergence(now_MV, was_MV, tsallis_q))
    statistics = {"divergence": divergence_NT.detach(), "ratio": masked(ratio_NT, now.mask_NT).detach()}
    return Loss(-ratio_NT * advantage_NT + divergence_NT / step_size(t_schedule, progress), statistics)


def step_size(schedule: str, progress: Progress) -> float:
    """t of this step: linear from 1, constant 1, or one over the root of the step's number."""
    if schedule == "linear":
        return max(1 - progress.share, LEAST_STEP)
    return 1.0 if schedule == "constant" else float(progress.step) ** -0.5


def log_q(logp: Tensor, q: float) -> Tensor:
    """(x^(1−q) − 1) / (1 − q) for x = exp(logp), and the logarithm at q = 1."""
    return logp if q == 1 else ((1 - q) * logp).clamp(max=LARGEST_LOG_RATIO).expm1() / (1 - q)


def divergence(now_MV: Tensor, was_MV: Tensor, q: float) -> Tensor:
    """How far distributions, given by their logarithms, are from those before, at each of M places: KL(now, before) at
    q = 1, and else the Bregman divergence of Tsallis entropy over q. 0 with a gradient of 0 where they agree."""
    gap_MV = log_q(now_MV, 2 - q) - log_q(was_MV, 2 - q)
    kept_M = (now_MV.exp() * gap_MV).sum(dim=-1)
    if q == 1:
        return kept_M
    moved_MV = now_MV.exp() - was_MV.exp()
    return (kept_M + (1 - q) * (moved_MV * log_q(was_MV, 2 - q)).sum(dim=-1)) / q


def off_policy_loss(
    logp_M: Tensor, was_logp_M: Tensor, value_M: Tensor, *, klcoeff: float = 1.0, lam_entropy: float = 0.2
) -> Tensor:
    """The loss of actions that the policy draws where values of actions are known: c log π + (λ − c) log π_k − Q.

    c is `klcoeff`, λ `lam_entropy`; with c = λ it is soft actor-critic's.
    """
    return klcoeff * logp_M + (lam_entropy - klcoeff) * was_logp_M.detach() - value_M
