"""Length band: 1 where the length lies between two bounds, falling along a line to 0 on either side.

Pick it where an answer should be neither curt nor padded, or to hold reasoning at a length. With no room it is a
target length. Tokens are the policy's own; letters and words are counted in the text. Alone it is earned by any text
of that length.
"""

from typing import Annotated

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Source, Whole

CARD = Card(
    title="Length band",
    formula=r"r_i = \mathrm{clip}\!\left(1 - \frac{\max(a - |y_i|,\, |y_i| - a - b,\, 0)}{f},\, 0,\, 1\right)",
    source=Source(
        "Aggarwal and Welleck, 2025",
        "arXiv:2503.04697",
        "length-controlled rewards",
        "https://arxiv.org/abs/2503.04697",
    ),
    symbols={
        "r_i": "reward of completion i",
        "|y_i|": "its length",
        "a": "shortest length that earns 1",
        "b": "room above it",
        "f": "distance from the band at which nothing is earned",
    },
    relatives=("rewards/brevity", "rewards/repetition"),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    *,
    shortest: Annotated[int, Whole(0), "the shortest length that earns 1"] = 8,
    room: Annotated[int, Whole(0), "how much longer a completion may be and still earn 1"] = 24,
    fall: Annotated[int, Whole(0), "how far outside the band nothing is left; 0: the band ends at once"] = 16,
    unit: Annotated[str, Choice(("tokens", "letters", "words")), "what is counted"] = "tokens",
) -> list[float | None]:
    """A number from 0 to 1 a completion."""
    lengths = {
        "tokens": lambda: list(answers.lengths),
        "letters": lambda: [len(text) for text in answers.texts],
        "words": lambda: [len(text.split()) for text in answers.texts],
    }[unit]()
    return [_value(max(shortest - length, length - shortest - room, 0), fall) for length in lengths]


def _value(distance: int, fall: int) -> float:
    if distance == 0:
        return 1.0
    return max(0.0, 1.0 - distance / fall) if fall else 0.0
