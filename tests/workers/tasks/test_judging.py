"""Judging: the principles and responses that it poses, its verdicts and its written solutions."""

import json
import random

import pytest

from tests.workers.scored import judged
from workers.contract.answers import Problem
from workers.rewards import reward_anything
from workers.tasks import judging
from workers.tasks.parts import HELDOUT, TRAIN, draw, part_of

LEVELS = (1, 2, 3, 4)
BY_HAND = Problem("{}", "", {"consensus": {"model-1": 2, "model-2": 5, "model-3": 2}})


def problems(level: int, count: int = 300, part: str = TRAIN) -> list[Problem]:
    rng = random.Random(0)
    return [draw(judging.problem, rng, part, level=level) for _ in range(count)]


def holds(wish: str, response: str, total: int) -> bool:
    """What a reader would say."""
    words = response.removeprefix("Thanks, ").removeprefix("Please, ").split()
    number = int(words[0]) if words[0].isdigit() else judging.NUMBERS.index(words[0])
    return {
        "be polite": len(response) > len(" ".join(words)),
        "no courtesy": response == " ".join(words),
        "be short": len(words) == 1,
        "be long": len(words) > 1,
        "be right": number == total,
        "use digits": words[0].isdigit(),
        "use words": not words[0].isdigit(),
    }[wish]


@pytest.mark.parametrize(("level", "wishes", "size"), [(1, 1, 2), (2, 2, 2), (3, 2, 3), (4, 2, 4)])
def test_the_consensus_follows_from_the_responses(level: int, wishes: int, size: int) -> None:
    for problem in problems(level):
        asked = json.loads(problem.prompt)
        names = asked["principle"].lower().rstrip(".").split(", then ")
        a, b = map(int, asked["prompt"].rstrip("=").split("+"))
        assert (len(names), len(asked["responses"])) == (wishes, size)
        worth = (4,) if wishes == 1 else (3, 1)
        for model, response in asked["responses"].items():
            kept = [holds(name, response, a + b) for name in names]
            assert problem.columns["consensus"][model] == 1 + sum(w for w, k in zip(worth, kept, strict=True) if k)
        assert len(set(problem.columns["consensus"].values())) > 1


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ({"model-1": 1, "model-2": 2, "model-3": 1}, 1.0),
        ({"model-1": 4, "model-2": 5, "model-3": 1}, 1.0),  # the consensus does not order the first and the third
        ({"model-1": 5, "model-2": 5, "model-3": 1}, 0.0),
        ({"model-1": 1, "model-2": 2}, 0.0),
        ({"model-1": 3, "model-2": 2, "model-3": 1}, 0.0),
        ({}, 0.0),
    ],
)
def test_every_pair_stands_as_the_consensus_has_it(scores: dict[str, int], verdict: float) -> None:
    text = json.dumps({"scores": scores, "best-to-worst": sorted(scores)})
    assert judging.verify(f"<think>so</think>{text}", BY_HAND) == verdict
    assert judging.verify(text[:-1], BY_HAND) == 0.0


@pytest.mark.parametrize("level", LEVELS)
def test_careful_solutions_are_right_and_careless_ones_once_in_four(level: int) -> None:
    rng, posed = random.Random(1), problems(level, 1500)
    assert all(judging.verify(judging.solution(rng, p, careful=True), p) == 1.0 for p in posed)
    careless = [judging.verify(judging.solution(rng, p, careful=False), p) for p in posed]
    assert sum(careless) / len(careless) == pytest.approx(0.25, abs=0.04)


def test_some_principles_are_posed_in_heldout_problems_only() -> None:
    seen = {json.loads(problem.prompt)["principle"] for problem in problems(2, 1500)}
    held = {json.loads(problem.prompt)["principle"] for problem in problems(2, 1500, HELDOUT)}
    assert all(part_of(principle) == TRAIN for principle in seen)
    assert {part_of(principle) for principle in held} == {TRAIN, HELDOUT}


def test_its_prompt_is_what_reward_anything_sends() -> None:
    for problem in problems(3, 20):
        asked = json.loads(problem.prompt)
        panel = reward_anything.Panel(asked["prompt"], {text: [0] for text in asked["responses"].values()})
        assert reward_anything._messages(asked["principle"], panel)[1]["content"] == problem.prompt


def test_its_column_is_the_one_that_judge_agreement_reads() -> None:
    rng, posed = random.Random(0), problems(3, 50)
    columns = {"consensus": [problem.columns["consensus"] for problem in posed]}
    texts = [judging.solution(rng, problem, careful=True) for problem in posed]
    made = judged("judge_agreement", texts, columns=columns)
    assert list(made.parts["pairs"]) == [1.0] * 50
    assert min(value for value in made.parts["format"] if value is not None) > 0.9
