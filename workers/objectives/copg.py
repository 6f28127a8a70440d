"""CoPG: completions of one prompt are each other's baseline, so that any scored data will do, whoever wrote it.

A completion's regularised reward is its reward less `beta` times how far the policy has moved it from the reference.
The loss is the squared gap of regularised rewards within a prompt; it is 0 where all are equal, which is the optimum of
reward less beta KL. Because the other completion is the right baseline, no importance weight is needed: pick it when
rewards, not preferences, are given for completions that this policy did not sample, or not lately. On fresh samples it
is leave-one-out credit (RLOO) with the penalty inside the reward; with rewards of ±1/4 it is IPO.

`loss_form = pg` has the same direction by the policy-gradient form; the squared form's gradient is 2 beta times it.
Sources differ in the factor before the loss, which the learning rate absorbs. A completion without a token counts not.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Exhibit, Flag, Real, Source
from workers.engine.masks import masked, per_row, spread
from workers.engine.tensors import GroupLoss, Pass

CARD = Card(
    title="Contrastive policy gradient (CoPG)",
    formula=r"L = \frac{1}{k-1} \sum_{i > j} (R_i - R_j)^2, \qquad "
    r"R_i = r_i - \beta \log \frac{\pi_\theta(y_i)}{\pi_{\mathrm{ref}}(y_i)}",
    source=Source("Flet-Berliac et al., 2024", "arXiv:2406.19185", "section 3", "https://arxiv.org/abs/2406.19185"),
    symbols={
        "L": "loss of a prompt",
        "k": "completions of the prompt",
        "R_i": "regularised reward of completion i",
        "r_i": "reward of completion i",
        r"\beta": "how much the reference holds",
        r"\pi_\theta": "the policy; a completion's probability is that of all its tokens",
        r"\pi_{\mathrm{ref}}": "the reference policy",
    },
    relatives=("credit/rloo", "objectives/policy_gradient", "preferences/ipo"),
    doubts="The form for more than two completions is from digests of a later report that uses the same method.",
    unit="group",
    exhibit=Exhibit(
        claim="From a fixed set of scored completions reward rises without new ones, and further than with IPO on the "
        "best and worst of them, because the size of a gap in reward is used.",
        watch=("heldout/accuracy", "heldout/brevity", "objectives/gap"),
        shared={
            "budget.steps": 40,
            "budget.eval_prompts": 128,
            "pool": {"prompts": 256, "siblings": 4, "rounds": 1},
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
            "credit": None,
        },
        baseline={"objective": {"kind": "preferences", "name": "ipo", "params": {"length": "sum"}}},
        variant={"objective": {"kind": "objectives", "name": "copg", "params": {}}},
        found="The first half appears: without new completions held-out accuracy rises from 0.450 to 0.753 at step "
        "40, and a completion's regularised reward comes from 0.36 to 0.11 of its prompt's mean. The second "
        "goes the other way: accuracy 0.730 against 0.802 (IPO on best and worst), difference -0.071 [-0.093, "
        "-0.050] over three seeds; brevity 0.647 against 0.632, +0.016 [-0.008, +0.039].",
    ),
)


def objective(
    now: Pass,
    ref_logp_NT: Tensor,
    reward_N: Tensor,
    group_N: Tensor,
    *,
    beta: Annotated[float, Real(0, open_low=True), "how much the reference holds the policy"] = 0.1,
    loss_form: Annotated[str, Choice(("squared", "pg")), "squared gap of regularised rewards, or policy gradient"] = (
        "squared"
    ),
    length_normalise: Annotated[bool, Flag(), "mean over tokens in the place of the sum; leaves the theory"] = False,
) -> GroupLoss:
    """The loss of each prompt, 0 for one completion alone; statistics: `regularised` reward of a completion, and `gap`,
    its distance from the prompt's mean."""
    chosen_N = now.mask_NT.any(dim=1)
    length_N = now.mask_NT.sum(dim=1).clamp(min=1) if length_normalise else torch.ones_like(group_N)
    logp_N = per_row(now.logp_NT, now.mask_NT) / length_N
    moved_N = per_row(now.logp_NT - ref_logp_NT.detach(), now.mask_NT) / length_N
    regularised_N = masked(reward_N.detach() - beta * moved_N, chosen_N)
    numbers, place_N = torch.unique(group_N, return_inverse=True)
    zero_P = regularised_N.new_zeros(len(numbers))
    count_P = zero_P.index_add(0, place_N, chosen_N.to(zero_P.dtype))
    level_P = zero_P.index_add(0, place_N, regularised_N) / count_P.clamp(min=1)
    gap_N = masked(regularised_N - level_P[place_N], chosen_N)
    # The pairs' squared gaps sum to k times the squared gaps from the mean.
    scale_P = torch.where(count_P > 1, count_P / (count_P - 1).clamp(min=1), 0.0)
    one_N = gap_N.square() if loss_form == "squared" else -gap_N.detach() * logp_N
    statistics = {
        "regularised": spread(regularised_N, now.mask_NT).detach(),
        "gap": spread(gap_N.abs(), now.mask_NT).detach(),
    }
    return GroupLoss(scale_P * zero_P.index_add(0, place_N, one_N), statistics)
