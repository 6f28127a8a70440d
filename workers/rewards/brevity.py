"""Brevity: 1 for a short completion, falling linearly to 0 between two lengths.

Pick it beside a reward for content to see the trade-off between being right and being short. Alone it teaches
silence: an empty completion earns 1.
"""

from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Source, Whole

CARD = Card(
    title="Brevity",
    formula=r"r_i = \mathrm{clip}\!\left(\frac{b - |y_i|}{b - a},\, 0,\, 1\right)",
    source=Source(
        "Yu et al., 2025",
        "arXiv:2503.14476",
        "eq. 13, soft overlong punishment plus 1",
        "https://arxiv.org/abs/2503.14476",
    ),
    symbols={
        "r_i": "reward of completion i",
        "|y_i|": "its length in tokens",
        "a": "longest length that earns 1",
        "b": "shortest length that earns 0",
    },
    relatives=("rewards/repetition",),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    *,
    full_until: Annotated[int, Whole(0), "tokens up to which the reward is 1"] = 0,
    zero_from: Annotated[int, Whole(1), "tokens from which the reward is 0"] = 48,
) -> list[float | None]:
    """A number from 0 to 1 a completion. With `zero_from` not above `full_until` it is a step after `full_until`."""
    return [_value(length, full_until, zero_from) for length in answers.lengths]


def _value(length: int, full_until: int, zero_from: int) -> float:
    if length <= full_until:
        return 1.0
    if length >= zero_from:
        return 0.0
    return (zero_from - length) / (zero_from - full_until)
