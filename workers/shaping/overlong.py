"""Takes something off the reward of completions that come close to the length limit, and more the closer (DAPO).

Below the margin nothing happens; inside it the punishment grows on a straight line to its full size at the limit. Pick
it when completions grow without end, and a hard limit would punish good reasoning that is a little too long.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.answers import Answers
from workers.contract.card import Card, Departure, Real, Source, Whole
from workers.engine.tensors import Shaped

CARD = Card(
    title="Soft overlong punishment (DAPO)",
    formula=r"r' = r + c \cdot \min\Bigl(0,\ \frac{(L_{max} - L_{margin}) - |y|}{L_{margin}}\Bigr)",
    source=Source("Yu et al., 2025", "arXiv:2503.14476", "eq. 13", "https://arxiv.org/abs/2503.14476"),
    symbols={
        "r'": "the reward after shaping",
        "r": "the reward before",
        "c": "the full punishment",
        "|y|": "tokens of the completion",
        "L_{max}": "the most tokens that a completion may have",
        "L_{margin}": "tokens below the limit where the punishment begins",
    },
    relatives=("selection/overlong_filter", "rewards/brevity"),
    departs=(
        Departure(
            "keeps order within a column", "a long completion falls behind a short one that earned less by itself"
        ),
    ),
)


def shape(
    value_NK: Tensor,
    answers: Answers,
    most_tokens: int,
    *,
    margin: Annotated[
        float, Real(0, 1, open_low=True), "where the punishment begins: this share of the limit below it"
    ] = 0.2,
    factor: Annotated[float, Real(0), "the punishment at the limit"] = 1.0,
    reward: Annotated[int, Whole(1, 16), "which reward is punished, in their order from 1"] = 1,
) -> Shaped:
    """The rewards with one column punished; ValueError when there is no such column."""
    if reward > value_NK.shape[1]:
        raise ValueError(f"reward {reward} is to be punished, and there are {value_NK.shape[1]}")
    length_N = torch.tensor(answers.lengths, dtype=value_NK.dtype, device=value_NK.device)
    room = margin * most_tokens
    punishment_N = ((most_tokens - room - length_N) / room).clamp(min=-1.0, max=0.0)
    value_NK = value_NK.detach().clone()
    value_NK[:, reward - 1] += factor * punishment_N
    return Shaped(value_NK)
