"""Countdown: solvable problems, a verifier that recomputes safely, and its written solutions."""

import random
import time
from fractions import Fraction

import pytest

from workers.contract.answers import Problem
from workers.tasks import countdown

LEVELS = (1, 2, 3, 4)
BY_HAND = Problem("22 from 3,5,7=", "3*5+7", {"level": 3, "target": 22, "numbers": [3, 5, 7]})


def problems(level: int, count: int = 300) -> list[Problem]:
    rng = random.Random(0)
    return [countdown.problem(rng, level=level) for _ in range(count)]


@pytest.mark.parametrize("level", LEVELS)
def test_every_problem_is_solvable_by_its_own_answer(level: int) -> None:
    for problem in problems(level, 1000):
        assert countdown.verify("#" + problem.answer, problem) == 1.0
        shown = ",".join(map(str, problem.columns["numbers"]))
        assert problem.prompt == f"{problem.columns['target']} from {shown}="


@pytest.mark.parametrize(("level", "count", "signs"), [(1, 2, "+-"), (2, 3, "+-"), (3, 3, "*+-"), (4, 4, "*+-/")])
def test_levels_change_how_many_numbers_and_which_signs(level: int, count: int, signs: str) -> None:
    posed = problems(level, 1000)
    assert {len(p.columns["numbers"]) for p in posed} == {count}
    assert "".join(sorted({letter for p in posed for letter in p.answer} & set("+-*/"))) == signs


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("3*5=15;15+7=22#3*5+7", 1.0),
        ("#7+5*3", 1.0),
        ("# (3 * 5) + 7", 1.0),
        ("#3*7+5", 0.0),
        ("#22", 0.0),
        ("#15+7", 0.0),
        ("#3*5+7+0", 0.0),
        ("#3*5", 0.0),
        ("#7+5+5+5", 0.0),
        ("3*5+7", 0.0),
        ("#3*5+7=22", 0.0),
        ("#", 0.0),
        ("", 0.0),
    ],
)
def test_any_expression_of_every_number_once_is_right(text: str, verdict: float) -> None:
    assert countdown.verify(text, BY_HAND) == verdict


def test_values_are_exact() -> None:
    # 5 / (1/3 + 1/3 + 1/3) by hand is 5; in floating point the three thirds need not sum to one.
    assert countdown.evaluate("5/(1/3+1/3+1/3)") == (Fraction(5), [5, 1, 3, 1, 3, 1, 3])


@pytest.mark.parametrize(
    "hostile",
    [
        "9**9**9**9",
        "2**3",
        "7//2",
        "7%2",
        "-3",
        "+3",
        "x",
        "__import__('os').system('true')",
        "(1,2)",
        "3(4)",
        "1e9",
        "0x10",
        "1_000",
        "1.5",
        "True",
        "'a'*9",
        "007",
        "1/0",
        "5/(3-3)",
        "(" * 5000 + "1" + ")" * 5000,
        "9" * 5000,
        "1+" * 5000 + "1",
        "3\n+5",
        "",
        "\u0663+\u0665",
    ],
)
def test_anything_but_numbers_brackets_and_the_four_signs_is_refused(hostile: str) -> None:
    started = time.monotonic()
    assert countdown.evaluate(hostile) is None
    assert time.monotonic() - started < 0.1


def test_brackets_as_deep_as_the_bound_allows_are_read() -> None:
    deepest = (countdown.LONGEST - 1) // 2
    assert countdown.evaluate("(" * deepest + "1" + ")" * deepest) == (Fraction(1), [1])
    assert countdown.evaluate("(" * (deepest + 1) + "1" + ")" * (deepest + 1)) is None


def test_a_careful_solution_shows_each_partial_result() -> None:
    assert countdown.solution(random.Random(0), BY_HAND, careful=True) == "3*5=15;15+7=22#3*5+7"


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_every_step_of_them_too(level: int) -> None:
    rng = random.Random(1)
    for problem in problems(level):
        text = countdown.solution(rng, problem, careful=True)
        assert countdown.verify(text, problem) == 1.0
        for step in text.partition("#")[0].split(";"):
            left, _, right = step.partition("=")
            found = countdown.evaluate(left)
            assert found is not None
            assert found[0] == int(right)


def test_careless_solutions_answer_at_once_and_often_miss() -> None:
    rng = random.Random(1)
    found = [(countdown.solution(rng, p, careful=False), p) for p in problems(3, 1000)]
    assert all(text.startswith("#") for text, _ in found)
    assert 0.2 < sum(countdown.verify(text, p) for text, p in found) / 1000 < 0.5


@pytest.mark.parametrize("level", LEVELS)
def test_demonstrations_are_right_and_hints_lead_to_them(level: int) -> None:
    for problem in problems(level):
        worked, hints = problem.columns["demonstration"], problem.columns["hints"]
        assert countdown.verify(worked, problem) == 1.0
        assert len(hints) == 2 * (len(problem.columns["numbers"]) - 1)
        assert all(worked.startswith(hint) and not hint.count("#") for hint in hints)
        assert [len(hint) for hint in hints] == sorted({len(hint) for hint in hints})
