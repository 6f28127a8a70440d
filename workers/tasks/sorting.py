"""Put numbers into rising order, answered after a `#`.

A careful solution inserts one number after the other and shows each list (`7;2,7;2,7,9#2,7,9`); a careless one answers
at once and mostly leaves two neighbours in the wrong order. Every problem brings a worked solution (column
`demonstration`) and its beginnings as `hints`, weak to strong.
"""

import random
from bisect import insort
from typing import Annotated

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole

CARD = Card(
    title="Sorting",
    formula=r"\operatorname{sort}(a_1, \dots, a_n)",
    source=Source("Merit", "built-in task"),
    symbols={"a_i": "whole numbers from 0 to 9 (levels 1 and 2) or 99", "n": "three, four, five or seven numbers"},
    relatives=("tasks/arithmetic", "tasks/countdown"),
)

COUNT_AND_LARGEST = {1: (3, 9), 2: (4, 9), 3: (5, 99), 4: (7, 99)}
CARELESS_RIGHT = 0.25


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 4), "how many numbers: 3, 4, 5, 7, and how large: 9, 9, 99, 99"] = 1,
) -> Problem:
    """A prompt such as `sort 7,2,9=`; its numbers are all different. Its answer is the sorted list as text."""
    count, largest = COUNT_AND_LARGEST[level]
    numbers = rng.sample(range(largest + 1), count)
    answer, steps = _text(sorted(numbers)), _steps(numbers)
    columns = {
        "level": level,
        "numbers": numbers,
        "hints": [";".join(steps[:done]) for done in range(1, count + 1)],
        "demonstration": ";".join(steps) + f"#{answer}",
    }
    return Problem(f"sort {_text(numbers)}=", answer, columns)


def verify(text: str, problem: Problem) -> float:
    """1.0 when what follows the last `#` is the sorted list, blanks aside, else 0.0."""
    _, mark, answer = text.rpartition("#")
    return float(bool(mark) and answer.replace(" ", "") == problem.answer)


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is right once in four times."""
    if careful:
        return ";".join(_steps(problem.columns["numbers"])) + f"#{problem.answer}"
    guess = sorted(problem.columns["numbers"])
    if rng.random() >= CARELESS_RIGHT:
        at = rng.randrange(len(guess) - 1)
        guess[at], guess[at + 1] = guess[at + 1], guess[at]
    return f"#{_text(guess)}"


def _steps(numbers: list[int]) -> list[str]:
    """The sorted list after each insertion."""
    done: list[int] = []
    steps = []
    for number in numbers:
        insort(done, number)
        steps.append(_text(done))
    return steps


def _text(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))
