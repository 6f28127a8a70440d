"""Tool use: the problems that it poses, its verdicts and its written solutions."""

import json
import random

import pytest

from tests.workers.scored import judged
from workers.contract.answers import Problem
from workers.tasks import tool_use

LEVELS = (1, 2, 3, 4)
CALLS = [{"name": "add", "parameters": {"a": 3, "b": 5}}, {"name": "timer", "parameters": {"min": 9}}]
BY_HAND = Problem("add(a,b) timer(min)\nadd 3 and 5; wake me in 9 minutes\n", "", {"calls": CALLS})
FIRST, SECOND = map(json.dumps, CALLS)


def problems(level: int, count: int = 300) -> list[Problem]:
    rng = random.Random(0)
    return [tool_use.problem(rng, level=level) for _ in range(count)]


@pytest.mark.parametrize(("level", "known", "count"), [(1, 2, 1), (2, 6, 1), (3, 6, 2), (4, 6, 3)])
def test_levels_change_how_many_tools_and_calls(level: int, known: int, count: int) -> None:
    for problem in problems(level):
        assert problem.prompt.splitlines()[0].count("(") == known
        assert len(problem.columns["calls"]) == count
        assert len(problem.prompt) + len(problem.columns["demonstration"]) < 500  # within the starter's positions
    assert len({call["name"] for p in problems(level) for call in p.columns["calls"]}) == known


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        (f"{FIRST}\n{SECOND}", 1.0),
        (f"{SECOND}\n\n{FIRST}\n", 1.0),
        (FIRST, 0.0),
        (f"{FIRST}\n{FIRST}\n{SECOND}", 0.0),
        (f"{FIRST}\n{SECOND.replace('9', '8')}", 0.0),
        (f"{FIRST}\n{SECOND.replace('9', '9.5')}", 0.0),
        (f"{FIRST}\n{SECOND[:-1]}", 0.0),
        ("[1]", 0.0),
        ("[" * 100_000, 0.0),
    ],
)
def test_exactly_the_wanted_calls_are_right(inside: str, verdict: float) -> None:
    assert tool_use.verify(f"<think></think>\n<tool_call>\n{inside}\n</tool_call>", BY_HAND) == verdict


def test_calls_count_inside_their_tags_only() -> None:
    assert tool_use.verify(f"{FIRST}\n{SECOND}", BY_HAND) == 0.0


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_careless_ones_once_in_four(level: int) -> None:
    rng = random.Random(1)
    posed = problems(level, 2000)
    assert all(tool_use.verify(tool_use.solution(rng, p, careful=True), p) == 1.0 for p in posed)
    careless = [tool_use.verify(tool_use.solution(rng, p, careful=False), p) for p in posed]
    assert sum(careless) / len(careless) == pytest.approx(0.25, abs=0.04)


def test_hints_lead_to_the_demonstration() -> None:
    for problem in problems(3):
        assert all(problem.columns["demonstration"].startswith(hint) for hint in problem.columns["hints"])


def test_its_columns_are_those_that_toolrl_reads() -> None:
    rng, posed = random.Random(2), problems(3, 50)
    texts = [tool_use.solution(rng, problem, careful=True) for problem in posed]
    made = judged("toolrl", texts, columns={"calls": [problem.columns["calls"] for problem in posed]})
    assert list(made.total) == [4.0] * 50
