"""A spec that is right, to break one field at a time."""

from dataclasses import replace
from typing import Any

from workers.contract.spec import Model, Pick, Prompts, RewardPick, RunSpec


def good(**changes: Any) -> RunSpec:
    """The guided run in small."""
    spec = RunSpec(
        name="first",
        model=Model(),
        prompts=Prompts(task=Pick("tasks", "arithmetic", {"level": 2})),
        rewards=(
            RewardPick("right", "exact_answer"),
            RewardPick("brevity", "brevity", {"zero_from": 40}, weight=0.2),
        ),
        credit=Pick("credit", "grpo", {"norm": "none"}),
        objective=Pick("objectives", "ppo_clip"),
        reduction=Pick("reductions", "token_mean"),
        regularisers=(Pick("regularisers", "kl_k3", {"coef": 0.05}),),
    )
    return replace(spec, **changes)
