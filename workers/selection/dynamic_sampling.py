"""Replaces prompts whose completions all earned the same by new ones, as these have nothing to compare (DAPO).

Groups of equal rewards are dropped and as many new prompts are sampled, a few times over; then the step goes on with
what there is. When not one group is left, all are kept: they push nothing, and regularisers still work. Pick it with
group-relative credit when many prompts are solved always or never; it costs further sampling.
"""

from typing import Annotated

import torch

from workers.contract.card import Card, Choice, Exhibit, Source, Whole
from workers.engine.masks import group_equal
from workers.engine.tensors import Candidates, Selection, Wish

CARD = Card(
    title="Dynamic sampling (DAPO)",
    formula=r"\text{keep } q \iff \min_i r_i < \max_i r_i \quad (\text{over the completions } i \text{ of } q)",
    source=Source("Yu et al., 2025", "arXiv:2503.14476", "section 3.2", "https://arxiv.org/abs/2503.14476"),
    symbols={"q": "a prompt", "r_i": "what completion i earned, or the task's verdict on it"},
    relatives=("selection/knapsack", "shaping/overlong", "selection/overlong_filter"),
    exhibit=Exhibit(
        claim="DAPO beside GRPO: every group that is learned from has something to compare, entropy stays higher, and "
        "accuracy rises further in as many steps; each step samples more completions.",
        watch=("heldout/accuracy", "entropy", "selection/kept groups"),
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0001,
        },
        baseline={"reduction": {"kind": "reductions", "name": "sequence_mean", "params": {}}},
        variant={
            "selection": [{"kind": "selection", "name": "dynamic_sampling", "params": {"by": "verdict"}}],
            "shaping": [{"kind": "shaping", "name": "overlong", "params": {}}],
            "objective": {"kind": "objectives", "name": "ppo_clip", "params": {"eps_high": 0.28}},
        },
        found="Held-out accuracy 0.566 against 0.546 (GRPO), difference +0.020 [-0.012, +0.051] over three seeds of "
        "25 steps: higher in every seed, but these seeds do not tell. That entropy stays higher does not "
        "appear: 0.068 against 0.070 nats, -0.002 [-0.010, +0.007]. Of the groups a step wants, 0.98 are "
        "found with something to compare (0.92 in the last five), from 1.5 times as many sampled; GRPO has "
        "0.67.",
    ),
)

# Marks rows of later rounds, so that each call can tell how many prompts the step began with. No objective knows it.
LATER = 100


def select(
    candidates: Candidates,
    *,
    rounds: Annotated[int, Whole(0, 10), "how often new prompts may be sampled in one step"] = 3,
    by: Annotated[str, Choice(("reward", "verdict")), "what has to differ: rewards, or the task's verdicts"] = "reward",
) -> Selection:
    """Wishes for as many new prompts as groups were dropped; then weight 1 for rows of groups that differ, else 0.

    ValueError when verdicts are asked for and the task gives none.
    """
    group_N = candidates.rollouts.group_N
    alive_N = ~group_equal(candidates.reward_N if by == "reward" else _verdicts(candidates), group_N)
    wanted = max(1, len(torch.unique(group_N[candidates.tag_N != LATER])))
    alive, met = len(torch.unique(group_N[alive_N])), len(torch.unique(group_N))
    statistics = {"kept groups": alive / wanted, "sampled groups": met / wanted}
    if alive < wanted and candidates.round < rounds:
        return Selection(wishes=(Wish(tag=LATER),) * (wanted - alive), statistics=statistics)
    kept_N = alive_N if alive else torch.ones_like(alive_N)
    return Selection(weight_N=kept_N.float(), statistics=statistics)


def _verdicts(candidates: Candidates) -> torch.Tensor:
    verdicts = [one for one in candidates.rollouts.answers.verdicts if one is not None]
    if len(verdicts) < len(candidates.reward_N):
        raise ValueError("this task gives no verdict on every completion: let rewards decide")
    return torch.tensor(verdicts, device=candidates.reward_N.device)
