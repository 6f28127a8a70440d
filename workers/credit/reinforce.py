"""REINFORCE with a running baseline: each completion against an exponential mean of the rewards of earlier steps.

Pick it when there is one completion a prompt, so that siblings cannot serve as a baseline. One baseline stands for
all prompts: an easy prompt looks good and a hard one bad whatever the policy did, which adds variance. The first step
has no past, so the mean of its own batch stands in.
"""

from collections.abc import Mapping
from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Departure, Real, Source
from workers.engine.masks import chosen_rows, per_row, spread
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="REINFORCE with a running baseline",
    formula=r"A_{i,t} = r_i - b, \qquad b \leftarrow \beta\, b + (1 - \beta)\, \bar r",
    source=Source("Williams, 1992", "Machine Learning 8", "section 4", "https://doi.org/10.1007/BF00992696"),
    symbols={
        "A_{i,t}": "advantage of token t of completion i",
        "r_i": "reward of completion i",
        "b": "baseline, kept from step to step",
        r"\beta": "how much of the old baseline stays",
        r"\bar r": "mean reward of the batch",
    },
    relatives=("credit/grpo", "credit/rloo"),
    departs=(
        Departure(
            "stays in its group", "the baseline is shared by all prompts, so that one completion a prompt is enough"
        ),
    ),
)


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    memory: Mapping[str, Tensor],
    *,
    beta: Annotated[float, Real(0, 1, open_high=True), "how much of the old baseline stays at each step"] = 0.9,
) -> Credit:
    """One advantage a completion, on each of its chosen tokens; `memory` holds `baseline`, a scalar.

    Completions without a chosen token do not enter the mean.
    """
    reward_N = per_row(reward_NT.detach(), rollouts.mask_NT)
    mean = reward_N.sum() / chosen_rows(rollouts.mask_NT)
    baseline = memory["baseline"].to(mean) if "baseline" in memory else mean
    return Credit(
        spread(reward_N - baseline, rollouts.mask_NT),
        memory={"baseline": beta * baseline + (1 - beta) * mean},
    )
