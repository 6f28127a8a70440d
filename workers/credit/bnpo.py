"""BNPO: centred rewards over a Beta density that is fitted to the batch's success rates at each step.

With rewards of 0 and 1 a prompt's mean reward is a success rate, and over a batch these rates follow some distribution
that moves as the policy improves. BNPO fits a Beta distribution to them and divides by the Beta density whose exponents
make the gradient's variance least. Pick it as a divisor that sets itself, between none (REINFORCE with the group's
mean, exponents 1) and GRPO's deviation (exponents 3/2, up to a constant). Not to be confused with a trainer's loss type
of that name, which only means an average over tokens.

Rewards in another range are mapped to 0..1 by `lowest` and `highest`; a rate outside counts as the nearest end. A
group of one has a rate of 0 by the released code, whose weight would then be the ceiling: here it has weight 1 and no
part in the fit, which is the same where all groups are of one.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Flag, Real, Source
from workers.engine.masks import group_centred, group_mean, group_size, per_row, spread
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Beta-normalised (BNPO)",
    formula=r"A_{i,t} = \frac{r_i - p}{f(p;\, \alpha, \beta)}, \qquad \alpha = \max(1 + a/3,\, 1), \quad "
    r"\beta = \max(1 + b/3,\, 1), \quad p \sim \mathrm{Beta}(a, b)",
    source=Source(
        "Xiao et al., 2025",
        "arXiv:2506.02864",
        "code: compute_bnpo_outcome_advantage at github.com/changyi7231/BNPO",
        "https://arxiv.org/abs/2506.02864",
    ),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i, from 0 to 1",
        "p": "mean reward of the group",
        "f": "density of the Beta distribution; 1/f is at most the ceiling",
        "a, b": "the Beta distribution that has mean and variance of the batch's p",
        r"\alpha, \beta": "exponents of least variance, or fixed ones",
    },
    relatives=("credit/grpo", "credit/rloo"),
    departs=(
        Departure("stays in its group", "the density is fitted to all prompts of the batch"),
        Departure("nothing for nothing", "a group of one is compared with 0, as in the released code"),
    ),
    doubts="What to do when all rates are equal (exponents 1) and with groups of one is ours.",
    exhibit=Exhibit(
        claim="The exponents move as accuracy rises, the norm of the gradient is smoother than with GRPO, and accuracy "
        "ends no lower.",
        watch=("heldout/accuracy", "credit/alpha", "credit/beta"),
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
        variant={"credit": {"kind": "credit", "name": "bnpo", "params": {}}},
        found="The exponents move, from 1.22 and 1.69 to 1.13 and 1.08 on average, as accuracy rises. Held-out "
        "accuracy 0.518 against 0.514 (GRPO), difference +0.004 [-0.021, +0.029] over three seeds of 25 "
        "steps: no lower, as far as these seeds tell. The gradient's norm is smaller; its deviation over the "
        "run in units of its mean is 0.32 against 0.38, difference -0.060 [-0.251, +0.130]: these seeds do "
        "not tell whether it is smoother.",
    ),
)


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    reward_NK: Tensor,
    *,
    exponents: Annotated[str, Choice(("adaptive", "fixed")), "fitted at each step, or the two below"] = "adaptive",
    alpha: Annotated[float, Real(1), "fixed: first exponent; 1 and 1 divide by nothing, 1.5 and 1.5 as GRPO"] = 1.5,
    beta: Annotated[float, Real(1), "fixed: second exponent"] = 1.5,
    lowest: Annotated[float, Real(), "the least reward there can be"] = 0.0,
    highest: Annotated[float, Real(), "the greatest reward there can be, more than the least"] = 1.0,
    ceiling: Annotated[float, Real(0, open_low=True), "the most that 1/f may be"] = 1e6,
    decomposition: Annotated[bool, Flag(), "credit each reward by itself, without its weight, and average"] = False,
) -> Credit:
    """One advantage a completion on each of its chosen tokens; statistics: the exponents (`alpha`, `beta`) and the
    moments of the rates (`mean_rate`, `variance_rate`), averaged over rewards with `decomposition`.

    ValueError when `highest` does not lie above `lowest`.
    """
    if highest <= lowest:
        raise ValueError(f"highest ({highest}) must lie above lowest ({lowest})")
    mask_NT = rollouts.mask_NT
    chosen_N = mask_NT.any(dim=1)
    columns = reward_NK.detach().unbind(dim=1) if decomposition else (per_row(reward_NT.detach(), mask_NT),)
    total_N, told = torch.zeros_like(columns[0]), columns[0].new_zeros(4)
    for column_N in columns:
        there_N = chosen_N & ~column_N.isnan()
        mapped_M = (column_N[there_N] - lowest) / (highest - lowest)
        group_M = rollouts.group_N[there_N]
        mean, variance = _moments(mapped_M, group_M)
        shape = _least_variance(mean, variance) if exponents == "adaptive" else mean.new_tensor([alpha, beta])
        total_N[there_N] += _advantage(mapped_M, group_M, shape, ceiling) / len(columns)
        told += torch.stack([shape[0], shape[1], mean, variance]) / len(columns)
    names = ("alpha", "beta", "mean_rate", "variance_rate")
    return Credit(spread(total_N, mask_NT), statistics=dict(zip(names, told.tolist(), strict=True)))


def _moments(value_M: Tensor, group_M: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (n − 1) of the success rates of all groups of two or more; 0 and 1 for one group, where there
    is no variance, and the mean and 0 for none."""
    many_M = group_size(group_M) > 1
    _, first_M = torch.unique(group_M[many_M], return_inverse=True)
    rate_M = group_mean(value_M, group_M)[many_M]
    count = int(first_M.max()) + 1 if len(first_M) else 0
    rate_P = value_M.new_zeros(count).index_copy_(0, first_M, rate_M)
    if count < 2:
        return value_M.new_zeros(()), value_M.new_tensor(float(count))
    mean = rate_P.sum() / count
    equal = bool(rate_P.min() == rate_P.max())  # their mean may round, and what is left would look like a variance
    return mean, value_M.new_zeros(()) if equal else (rate_P - mean).square().sum() / (count - 1)


def _least_variance(mean: Tensor, variance: Tensor) -> Tensor:
    """Exponents from the Beta distribution of these moments; 1 and 1 where there is no such distribution."""
    if float(variance) == 0:
        return mean.new_ones(2)
    total = mean * (1 - mean) / variance - 1
    return (1 + torch.stack([total * mean, total * (1 - mean)]) / 3).clamp(min=1)


def _advantage(value_M: Tensor, group_M: Tensor, shape: Tensor, ceiling: float) -> Tensor:
    """Centred values over the density at their group's rate; exactly 0 where a group's values are equal."""
    alpha, beta = shape[0], shape[1]
    rate_M = group_mean(value_M, group_M).clamp(0, 1)
    log_scale = torch.lgamma(alpha) + torch.lgamma(beta) - torch.lgamma(alpha + beta)
    log_density_M = torch.xlogy(alpha - 1, rate_M) + torch.xlogy(beta - 1, 1 - rate_M) - log_scale
    weight_M = (-log_density_M).exp().clamp(max=ceiling)
    alone_M = group_size(group_M) == 1
    return torch.where(alone_M, value_M, weight_M * group_centred(value_M, group_M))
