"""Sorting: the problems that it poses, its verdicts and its written solutions."""

import random

import pytest

from workers.contract.answers import Problem
from workers.tasks import sorting

LEVELS = (1, 2, 3, 4)
BY_HAND = Problem("sort 7,2,9=", "2,7,9", {"level": 1, "numbers": [7, 2, 9]})


def problems(level: int, count: int = 300) -> list[Problem]:
    rng = random.Random(0)
    return [sorting.problem(rng, level=level) for _ in range(count)]


@pytest.mark.parametrize(("level", "count", "largest"), [(1, 3, 9), (2, 4, 9), (3, 5, 99), (4, 7, 99)])
def test_levels_change_how_many_numbers_and_how_large(level: int, count: int, largest: int) -> None:
    for problem in problems(level):
        numbers = [int(part) for part in problem.prompt.removeprefix("sort ").removesuffix("=").split(",")]
        assert len(set(numbers)) == count
        assert problem.answer == ",".join(map(str, sorted(numbers)))
    assert max(max(p.columns["numbers"]) for p in problems(level, 2000)) == largest


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("7;2,7;2,7,9#2,7,9", 1.0),
        ("#2,7,9", 1.0),
        ("# 2, 7, 9", 1.0),
        ("#9,7,2", 0.0),
        ("#2,7", 0.0),
        ("#2,7,9,9", 0.0),
        ("#27,9", 0.0),
        ("2,7,9", 0.0),
        ("", 0.0),
    ],
)
def test_only_the_sorted_list_is_right(text: str, verdict: float) -> None:
    assert sorting.verify(text, BY_HAND) == verdict


def test_a_careful_solution_inserts_one_number_after_the_other() -> None:
    assert sorting.solution(random.Random(0), BY_HAND, careful=True) == "7;2,7;2,7,9#2,7,9"


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_careless_ones_once_in_four(level: int) -> None:
    rng = random.Random(1)
    posed = problems(level, 2000)
    assert all(sorting.verify(sorting.solution(rng, p, careful=True), p) == 1.0 for p in posed)
    careless = [sorting.verify(sorting.solution(rng, p, careful=False), p) for p in posed]
    assert sum(careless) / len(careless) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("level", LEVELS)
def test_demonstrations_are_right_and_hints_lead_to_them(level: int) -> None:
    for problem in problems(level):
        worked, hints = problem.columns["demonstration"], problem.columns["hints"]
        assert sorting.verify(worked, problem) == 1.0
        assert [len(hint.split(";")) for hint in hints] == list(range(1, len(problem.columns["numbers"]) + 1))
        assert all(worked.startswith(hint) for hint in hints)
