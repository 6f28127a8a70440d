"""Arithmetic: the problems that it poses, its verdicts and its written solutions."""

import random
import re

import pytest

from workers.contract.answers import Problem
from workers.tasks import arithmetic

LEVELS = (1, 2, 3, 4, 5)
BY_HAND = Problem("12+35-8=", "39", {"level": 2})


def problems(level: int, count: int = 300, seed: int = 0) -> list[Problem]:
    rng = random.Random(seed)
    return [arithmetic.problem(rng, level=level) for _ in range(count)]


@pytest.mark.parametrize("level", LEVELS)
def test_its_answer_is_what_the_prompt_says(level: int) -> None:
    for problem in problems(level):
        terms = re.findall(r"[+-]?\d+", problem.prompt)
        assert sum(map(int, terms)) == int(problem.answer)
        partial = [sum(map(int, terms[:end])) for end in range(1, len(terms) + 1)]
        assert min(partial) >= 0


@pytest.mark.parametrize(("level", "count", "largest"), [(1, 2, 20), (2, 3, 50), (3, 3, 99), (4, 4, 99), (5, 5, 99)])
def test_levels_change_how_many_numbers_and_how_large(level: int, count: int, largest: int) -> None:
    numbers = [[int(n) for n in re.findall(r"\d+", p.prompt)] for p in problems(level, 2000)]
    assert {len(row) for row in numbers} == {count}
    assert max(map(max, numbers)) == largest
    assert min(map(min, numbers)) == 1


def test_both_signs_occur() -> None:
    signs = "".join(re.sub(r"[^+-]", "", p.prompt) for p in problems(2))
    assert 0.2 < signs.count("-") / len(signs) < 0.5


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("12+35=47;47-8=39#39", 1.0),
        ("#39", 1.0),
        ("#39 \n", 1.0),
        ("12+35=46;46-8=38#39", 1.0),
        ("#41#39", 1.0),
        ("#39#41", 0.0),
        ("#41", 0.0),
        ("#139", 0.0),
        ("#39.", 0.0),
        ("39", 0.0),
        ("12+35=47;47-8=39", 0.0),
        ("#", 0.0),
        ("", 0.0),
        ("\ufffd#\u0663\u0669", 0.0),
    ],
)
def test_only_what_follows_the_last_mark_is_judged(text: str, verdict: float) -> None:
    assert arithmetic.verify(text, BY_HAND) == verdict


def test_a_careful_solution_shows_every_step() -> None:
    assert arithmetic.solution(random.Random(0), BY_HAND, careful=True) == "12+35=47;47-8=39#39"


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right(level: int) -> None:
    rng = random.Random(1)
    for problem in problems(level):
        assert arithmetic.verify(arithmetic.solution(rng, problem, careful=True), problem) == 1.0


def test_careless_solutions_are_short_and_right_once_in_four() -> None:
    rng = random.Random(1)
    found = [(arithmetic.solution(rng, p, careful=False), p) for p in problems(2, 2000)]
    assert all(re.fullmatch(r"#\d+", text) for text, _ in found)
    assert sum(arithmetic.verify(text, p) for text, p in found) / 2000 == pytest.approx(0.25, abs=0.04)


def test_hints_are_beginnings_of_the_worked_solution_weak_to_strong() -> None:
    problem = next(p for p in problems(2, 300) if "-" in p.prompt)
    a, b, c = (int(term) for term in re.findall(r"[+-]?\d+", problem.prompt))
    first, second = f"{a}{b:+d}=", f"{a + b}{c:+d}="
    hints = [first, f"{first}{a + b}", f"{first}{a + b};{second}", f"{first}{a + b};{second}{a + b + c}"]
    assert problem.columns["hints"] == hints
    assert problem.columns["demonstration"] == f"{hints[-1]}#{a + b + c}"


@pytest.mark.parametrize("level", LEVELS)
def test_demonstrations_are_right_and_hints_lead_to_them(level: int) -> None:
    for problem in problems(level):
        worked = problem.columns["demonstration"]
        assert arithmetic.verify(worked, problem) == 1.0
        assert all(worked.startswith(hint) and "#" not in hint for hint in problem.columns["hints"])


def test_hints_and_levels_change_no_draw() -> None:
    """The first problems of seed 0 as they were before problems had hints: recorded runs must not change."""
    assert [p.prompt for p in problems(2, 3)] == ["25+49+27=", "17+33-32=", "20+31+23="]


def test_mixed_problems_are_of_every_level_up_to_the_one_asked() -> None:
    rng = random.Random(0)
    mixed = [arithmetic.problem(rng, level=4, mixed=True) for _ in range(400)]
    counts = [sum(p.columns["level"] == level for p in mixed) for level in (1, 2, 3, 4)]
    assert sum(counts) == 400
    assert min(counts) > 70
    assert all(len(re.findall(r"\d+", p.prompt)) == {1: 2, 2: 3, 3: 3, 4: 4}[p.columns["level"]] for p in mixed)
