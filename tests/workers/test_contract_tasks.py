"""What every task promises, over the whole catalogue."""

import json
import random
from typing import Any

import pytest

from tests.workers.stage import names, variants
from workers.contract.answers import Problem
from workers.contract.spec import Pick
from workers.engine.facilities import Facilities
from workers.engine.load import call, load
from workers.engine.prompts import TaskSource
from workers.engine.recipe import make_part

FACILITIES = Facilities()
EVERY = pytest.mark.parametrize(("name", "params"), variants("tasks"))


def problems(name: str, params: dict[str, object], count: int = 50, seed: int = 0) -> list[Problem]:
    rng = random.Random(seed)
    return [call(load("tasks", name), {"rng": rng}, params) for _ in range(count)]


@EVERY
def test_the_same_seed_poses_the_same_problems(name: str, params: dict[str, object]) -> None:
    assert problems(name, params) == problems(name, params)
    assert problems(name, params) != problems(name, params, seed=1)


@EVERY
def test_a_problem_is_text_with_columns_that_json_can_hold(name: str, params: dict[str, object]) -> None:
    for problem in problems(name, params):
        assert problem.prompt
        assert problem.answer
        assert json.loads(json.dumps(dict(problem.columns))) == problem.columns


@EVERY
def test_verdicts_are_right_or_wrong_and_silence_is_wrong(name: str, params: dict[str, object]) -> None:
    module: Any = load("tasks", name).module
    rng = random.Random(0)
    posed = problems(name, params)
    right = [module.solution(rng, problem, careful=True) for problem in posed]
    source = TaskSource(make_part(Pick("tasks", name, params)), 0, FACILITIES)
    assert source.verdicts([""] * len(posed), posed) == [0.0] * len(posed)
    assert source.verdicts(right, posed) == [1.0] * len(posed)
    assert source.verdicts(["\x00🦆#" * 50] * len(posed), posed) == [0.0] * len(posed)


@pytest.mark.parametrize("name", names("tasks"))
def test_drawing_leaves_the_global_dice_alone(name: str) -> None:
    before = random.getstate()
    problems(name, {})
    assert random.getstate() == before
