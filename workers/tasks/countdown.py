"""Reach a target by joining every given number once with signs, as in the television game.

Many answers can be right, so the verifier recomputes the expression rather than compare it. A careful solution shows
each partial result before it answers; a careless one answers at once and mostly misses the target. Every problem brings
a worked solution (column `demonstration`) and its beginnings as `hints`, weak to strong.
"""

import ast
import random
import re
from fractions import Fraction
from typing import Annotated

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole
from workers.tasks.parts import hints_of

CARD = Card(
    title="Countdown",
    formula=r"f(a_1, \dots, a_n) = t, \quad \text{each } a_i \text{ once}",
    source=Source("Merit", "built-in task"),
    symbols={
        "a_i": "given numbers",
        "f": r"an expression of the signs + - (levels 1 and 2), also * (level 3), also / (level 4)",
        "t": "the target",
    },
    relatives=("tasks/arithmetic", "tasks/sorting"),
)

COUNT_LARGEST_AND_SIGNS = {1: (2, 20, "+-"), 2: (3, 20, "+-"), 3: (3, 12, "+-*"), 4: (4, 20, "+-*/")}
CARELESS_RIGHT = 0.25
# Longer than any answer to a problem of four numbers with all its brackets, and short enough that parsing it can
# neither nest deeply nor take long.
LONGEST = 64
ALLOWED = re.compile(r"[0-9+\-*/() ]+")


def problem(
    rng: random.Random,
    *,
    level: Annotated[int, Whole(1, 4), "how many numbers: 2, 3, 3, 4, and the signs: + -, + -, + - *, + - * /"] = 1,
) -> Problem:
    """A prompt such as `22 from 3,5,7=`, always solvable. Its answer is one expression that reaches the target."""
    count, largest, signs = COUNT_LARGEST_AND_SIGNS[level]
    numbers = [rng.randint(1, largest) for _ in range(count)]
    total, expression = numbers[0], str(numbers[0])
    for number in numbers[1:]:
        sign = rng.choice([sign for sign in signs if _is_whole(total, sign, number)])
        expression = _join(expression, sign, number)
        total = _apply(total, sign, number)
    shown = rng.sample(numbers, count)
    steps = _steps(expression)
    columns = {
        "level": level,
        "target": total,
        "numbers": shown,
        "hints": hints_of(steps),
        "demonstration": ";".join(steps) + f"#{expression}",
    }
    return Problem(f"{total} from {','.join(map(str, shown))}=", expression, columns)


def verify(text: str, problem: Problem) -> float:
    """1.0 when what follows the last `#` uses every given number once and reaches the target, else 0.0."""
    _, mark, answer = text.rpartition("#")
    found = evaluate(answer) if mark else None
    if found is None:
        return 0.0
    value, used = found
    return float(value == problem.columns["target"] and sorted(used) == sorted(problem.columns["numbers"]))


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is seldom right."""
    if not careful and rng.random() >= CARELESS_RIGHT:
        numbers = rng.sample(problem.columns["numbers"], len(problem.columns["numbers"]))
        signs = COUNT_LARGEST_AND_SIGNS[problem.columns["level"]][2]
        return f"#{numbers[0]}" + "".join(f"{rng.choice(signs)}{number}" for number in numbers[1:])
    if not careful:
        return f"#{problem.answer}"
    return ";".join(_steps(problem.answer)) + f"#{problem.answer}"


def _steps(answer: str) -> list[str]:
    """Every operation of an answer with its result, in the order in which its numbers were joined."""
    first, *rest = re.findall(r"[+\-*/]?\d+", answer.replace("(", "").replace(")", ""))
    total, steps = int(first), []
    for term in rest:
        result = _apply(total, term[0], int(term[1:]))
        steps.append(f"{total}{term}={result}")
        total = result
    return steps


def evaluate(expression: str) -> tuple[Fraction, list[int]] | None:
    """The exact value of an expression and the numbers in it; None unless it is made of whole numbers, brackets and
    the four signs, is at most 64 characters long, and never divides by zero."""
    expression = expression.strip()
    if len(expression) > LONGEST or not ALLOWED.fullmatch(expression):
        return None
    used: list[int] = []
    try:
        return _value(ast.parse(expression, mode="eval").body, used), used
    except (SyntaxError, ZeroDivisionError, ValueError):
        return None


def _value(node: ast.expr, used: list[int]) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return Fraction(node.value)
    if not isinstance(node, ast.BinOp):
        raise ValueError("only numbers and the four signs")
    left, right = _value(node.left, used), _value(node.right, used)
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
    raise ValueError("only numbers and the four signs")


def _is_whole(total: int, sign: str, number: int) -> bool:
    if sign == "-":
        return number <= total
    return sign != "/" or total % number == 0


def _apply(total: int, sign: str, number: int) -> int:
    return {"+": total + number, "-": total - number, "*": total * number, "/": total // number}[sign]


def _join(expression: str, sign: str, number: int) -> str:
    chain_of_sums = sign in "*/" and re.search(r"[+-](?![^(]*\))", expression)
    return f"({expression}){sign}{number}" if chain_of_sums else f"{expression}{sign}{number}"
