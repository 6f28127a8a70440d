"""Verified: the verdicts as they are, and a sentence where there is no verifier."""

import random

import pytest

from tests.workers.scored import scored
from workers.tasks import arithmetic


def test_it_is_the_verdict() -> None:
    assert scored("verified", ["a", "b", "c"], verdicts=[1.0, 0.0, None]) == [1.0, 0.0, None]


def test_without_a_verifier_it_says_what_to_choose() -> None:
    with pytest.raises(ValueError, match="no verifier; choose a reward that compares with a column"):
        scored("verified", ["a"])


def test_on_arithmetic_it_is_the_exact_answer() -> None:
    """The identity with its relative: both look after the last marker."""
    dice = random.Random(0)
    problems = [arithmetic.problem(dice) for _ in range(200)]
    texts = [arithmetic.solution(dice, problem, careful=row % 2 == 0) for row, problem in enumerate(problems)]
    verdicts = [arithmetic.verify(text, problem) for text, problem in zip(texts, problems, strict=True)]
    answers = {"answer": [problem.answer for problem in problems]}
    assert scored("verified", texts, verdicts=verdicts) == scored("exact_answer", texts, columns=answers)
    assert 0 < sum(verdicts) < 200
