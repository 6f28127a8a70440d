"""Reranking: the cards that it shows, its verdicts and its written solutions."""

import random

import pytest

from tests.workers.scored import judged
from workers.contract.answers import Problem
from workers.tasks import reranking

LEVELS = (1, 2, 3, 4)
BY_HAND = Problem("red lamp?\n", "", {"relevant": [2, 3], "candidates": ["a", "b", "c", "d"]})


def problems(level: int, count: int = 300) -> list[Problem]:
    rng = random.Random(0)
    return [reranking.problem(rng, level=level) for _ in range(count)]


@pytest.mark.parametrize(("level", "size"), [(1, 3), (2, 4), (3, 5), (4, 6)])
def test_relevant_are_the_cards_with_both_features(level: int, size: int) -> None:
    for problem in problems(level):
        query, *cards = problem.prompt.splitlines()
        wanted = set(query.rstrip("?").split())
        assert [card.split(" ", 1) for card in cards] == [
            [str(number), card] for number, card in enumerate(problem.columns["candidates"], 1)
        ]
        assert len(set(problem.columns["candidates"])) == size
        fitting = [int(card.split()[0]) for card in cards if wanted <= set(card.split())]
        assert problem.columns["relevant"] == fitting
        assert len(wanted) == 2
    assert {len(problem.columns["relevant"]) for problem in problems(level)} == {1, 2}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("<answer>[2, 3, 1, 4]</answer>", 1.0),
        ("<think>b, c</think>\n<answer>[3,2]</answer>", 1.0),
        ("<answer>[2, 1, 3, 4]</answer>", 0.0),
        ("<answer>[2]</answer>", 0.0),
        ("<answer>[2, 2, 3]</answer>", 0.0),
        ("<answer>[02, 3]</answer>", 0.0),
        ("<answer>[]</answer>", 0.0),
        ("[2, 3, 1, 4]", 0.0),
        (f"<answer>[{'9' * 100_000}]</answer>", 0.0),
    ],
)
def test_all_relevant_cards_come_first(text: str, verdict: float) -> None:
    assert reranking.verify(text, BY_HAND) == verdict


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_careless_ones_mostly_keep_the_retrievers_order(level: int) -> None:
    rng, posed = random.Random(1), problems(level, 1000)
    assert all(reranking.verify(reranking.solution(rng, p, careful=True), p) == 1.0 for p in posed)
    careless = [reranking.solution(rng, p, careful=False) for p in posed]
    right = sum(reranking.verify(text, p) for text, p in zip(careless, posed, strict=True)) / len(posed)
    assert 0.2 < right < 0.6, "the retriever knows something, and not all"
    kept = f"<answer>{list(range(1, len(posed[0].columns['candidates']) + 1))}</answer>"
    assert sum(kept in text for text in careless) / len(careless) == pytest.approx(0.7, abs=0.05)


def test_its_columns_are_those_that_mm_r5_reads() -> None:
    rng, posed = random.Random(0), problems(3, 50)
    columns = {name: [problem.columns[name] for problem in posed] for name in ("relevant", "candidates")}
    made = judged("mm_r5", [reranking.solution(rng, p, careful=True) for p in posed], columns=columns)
    assert made.total == pytest.approx([2.0] * 50), "full marks for the order and for its form"
