"""HPT: each prompt learns from its own completions or from a demonstration, in one loss.

A prompt that the model solves now and then is learned from by its completions (a plain importance-weighted gain,
neither clipped nor averaged over tokens); one that it does not solve imitates a demonstration. Which of the two it is
decides the selection `hpt_switch`, which drops a prompt's completions and brings its demonstration, marked 0 to be
imitated or 1 to be an off-policy sample. Pick the pair when demonstrations exist and many prompts are still unsolved,
with group-relative credit without deviation (GRPO, norm = none), as the source has it.

An off-policy sample has no sampling policy: its denominator is 1 and its probability may be shaped, x / (x + g) in
LUFFY's form, so that rare tokens count; where it stands alone in its group its reward is its advantage. The soft
coefficients of the release, an ablation, are left out. How it scaled its summed loss over micro-batches was not seen:
here a batch's loss is the mean over its prompts.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Exhibit, Real, Source, Whole
from workers.engine.masks import group_size, log_ratio, masked, per_row, spread
from workers.engine.tensors import GroupLoss, Pass

CARD = Card(
    title="Imitate or explore (HPT)",
    formula=r"L = -\frac{1}{T} \sum_{i,t} \rho_{i,t} A_{i,t} \ \ \text{or}\ \ "
    r"-\frac{c}{|\tau^*|} \sum_t \log \pi_\theta(\tau^*_t) \ \ \text{or}\ \ "
    r"-\frac{1}{T} \sum_t \frac{\pi_\theta(\tau^*_t)}{\pi_\theta(\tau^*_t) + g}\, A",
    source=Source("Lv et al., 2025", "arXiv:2509.04419", "algorithm 1, table 1", "https://arxiv.org/abs/2509.04419"),
    symbols={
        "L": "loss of a prompt: of its completions, of a demonstration imitated, of one as an off-policy sample",
        r"\rho_{i,t}": "ratio of the token's probability now to that when it was sampled",
        "A_{i,t}, A": "advantage",
        r"\tau^*": "the demonstration",
        "c": "weight of imitation",
        "T": "a constant, as a rule the longest completion allowed",
        r"\pi_\theta": "the policy",
        "g": "shape of the off-policy sample's probability",
    },
    relatives=("selection/hpt_switch", "objectives/policy_gradient", "objectives/ppo_clip"),
    unit="group",
    exhibit=Exhibit(
        claim="The share of imitated prompts starts high and falls to near 0; problems are solved that reward alone "
        "hardly ever touches.",
        watch=("heldout/accuracy", "entropy", "selection/imitated"),
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
            "credit": {"kind": "credit", "name": "grpo", "params": {"norm": "none"}},
        },
        baseline={
            "objective": {"kind": "objectives", "name": "ppo_clip", "params": {}},
            "reduction": {"kind": "reductions", "name": "fixed_length", "params": {}},
        },
        variant={
            "objective": {"kind": "objectives", "name": "hpt", "params": {}},
            "selection": [{"kind": "selection", "name": "hpt_switch", "params": {}}],
        },
        found="The effect does not appear within 25 steps: held-out accuracy 0.449 against 0.532 (Dr. GRPO), "
        "difference -0.083 [-0.176, +0.009] over three seeds, and at the last step 0.505 against 0.646, "
        "-0.141 [-0.179, -0.102], the other way. Imitation stays at 0.27 of the prompts (0.30 at the first "
        "step) instead of falling; entropy stays higher, 0.125 against 0.077 nats, difference +0.049 [+0.032, "
        "+0.065].",
    ),
)

IMITATE, OFF_POLICY = 0, 1


def objective(
    now: Pass,
    was: Pass,
    advantage_NT: Tensor,
    reward_N: Tensor,
    group_N: Tensor,
    tag_N: Tensor,
    *,
    sft_loss_coef: Annotated[float, Real(0), "weight of imitation"] = 1.0,
    length: Annotated[int, Whole(1), "tokens that each completion's sum is divided by"] = 48,
    off_policy: Annotated[
        str, Choice(("luffy", "plain")), "an off-policy token's probability: shaped x / (x + g), or as it is (SRFT)"
    ] = "luffy",
    shape: Annotated[float, Real(0, open_low=True), "g of the shaped probability"] = 0.1,
) -> GroupLoss:
    """The loss of each prompt; statistics: `ratio`, and `imitated`, 1 on the tokens of demonstrations to be imitated.

    Rows marked 0 are imitated and those marked 1 are off-policy samples; all others are the model's own.
    """
    mask_NT = now.mask_NT
    imitated_NT, off_NT = (mask_NT & (tag_N == tag)[:, None] for tag in (IMITATE, OFF_POLICY))
    ratio_NT = log_ratio(now.logp_NT, was.logp_NT.detach(), mask_NT).exp()
    own_NT = -ratio_NT * masked(advantage_NT, mask_NT).detach()
    owed_NT = torch.where(group_size(group_N)[:, None] > 1, advantage_NT, reward_N[:, None].to(advantage_NT.dtype))
    likely_NT = log_ratio(now.logp_NT, torch.zeros_like(now.logp_NT), mask_NT).exp()
    shaped_NT = likely_NT / (likely_NT + shape) if off_policy == "luffy" else likely_NT
    shown_NT = -shaped_NT * masked(owed_NT, mask_NT).detach()
    gained_N = per_row(torch.where(off_NT, shown_NT, own_NT), mask_NT & ~imitated_NT) / length
    copied_N = -per_row(now.logp_NT, imitated_NT) / imitated_NT.sum(dim=1).clamp(min=1)
    numbers, place_N = torch.unique(group_N, return_inverse=True)
    loss_N = gained_N + sft_loss_coef * copied_N
    loss_P = loss_N.new_zeros(len(numbers)).index_add(0, place_N, loss_N)
    statistics = {
        "imitated": spread(imitated_NT.any(dim=1).to(loss_N.dtype), mask_NT),
        "ratio": masked(ratio_NT, mask_NT).detach(),
    }
    return GroupLoss(loss_P, statistics)
