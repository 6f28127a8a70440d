"""Sums and differences of a few whole numbers, worked out step by step and answered after a `#`.

A careful solution shows every step (`12+35=47;47-8=39#39`) and is right; a careless one answers at once (`#41`) and is
mostly wrong. So there is something to discover: the first token decides, and the longer way pays. Every problem brings
a worked solution (column `demonstration`) and its beginnings, from the first operation to all but the answer, as
`hints`: a prompt with one of them behind it reads as a solution that somebody began.
"""

import random
import re
from typing import Annotated

from workers.contract.answers import Problem
from workers.contract.card import Card, Flag, Source, Whole
from workers.tasks.parts import hints_of

CARD = Card(
    title="Arithmetic",
    formula=r"a_1 \pm a_2 \pm \dots \pm a_n = {?}",
    source=Source("Merit", "built-in task"),
    symbols={
        "a_i": "whole numbers from 1 to 20 (level 1), 50 (level 2) or 99",
        "n": "two, three, three, four or five numbers",
    },
    relatives=("tasks/countdown", "tasks/sorting"),
)

COUNT_AND_LARGEST = {1: (2, 20), 2: (3, 50), 3: (3, 99), 4: (4, 99), 5: (5, 99)}
CARELESS_RIGHT = 0.25
CARELESS_SLIP = 9


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 5), "how many numbers: 2, 3, 3, 4, 5, and how large: 20, 50, 99, 99, 99"] = 2,
    mixed: Annotated[bool, Flag(), "draw each problem's level, from 1 to the one above"] = False,
) -> Problem:
    """A chain such as `12+35-8=`; no partial result is negative. Its answer is the number as text."""
    if mixed:
        level = rng.randint(1, level)
    count, largest = COUNT_AND_LARGEST[level]
    total = rng.randint(1, largest)
    prompt = str(total)
    for _ in range(count - 1):
        number = rng.randint(1, largest)
        sign = rng.choice("+-") if number <= total else "+"
        total = total + number if sign == "+" else total - number
        prompt += f"{sign}{number}"
    steps = _steps(prompt)
    columns = {"level": level, "hints": hints_of(steps), "demonstration": ";".join(steps) + f"#{total}"}
    return Problem(prompt + "=", str(total), columns)


def verify(text: str, problem: Problem) -> float:
    """1.0 when what follows the last `#` is the answer, else 0.0."""
    _, mark, answer = text.rpartition("#")
    return float(bool(mark) and answer.strip() == problem.answer)


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is right once in four times."""
    if not careful:
        return f"#{_guess(rng, int(problem.answer))}"
    return ";".join(_steps(problem.prompt)) + f"#{problem.answer}"


def _steps(prompt: str) -> list[str]:
    """Every operation with its result, from the left: `12+35=47`, `47-8=39`."""
    first, *rest = re.findall(r"[+-]?\d+", prompt)
    total, steps = int(first), []
    for term in rest:
        steps.append(f"{total}{term}={total + int(term)}")
        total += int(term)
    return steps


def _guess(rng: random.Random, answer: int) -> int:
    if rng.random() < CARELESS_RIGHT:
        return answer
    wrong = [answer + slip for slip in range(-CARELESS_SLIP, CARELESS_SLIP + 1) if slip != 0 and answer + slip >= 0]
    return rng.choice(wrong)
