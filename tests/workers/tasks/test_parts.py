"""Train and held-out parts, over every task that there is."""

import importlib
import random
from types import ModuleType

import pytest

from workers.contract.answers import Problem
from workers.contract.catalogue import read_catalogue
from workers.contract.method import Method
from workers.tasks.parts import HELDOUT, TRAIN, draw, part_of

TASKS = read_catalogue().of("tasks")


def names(tasks: list[Method]) -> list[str]:
    return [task.name for task in tasks]


def load(task: Method) -> ModuleType:
    return importlib.import_module(f"workers.tasks.{task.name}")


def test_the_catalogue_finds_the_tasks_and_nothing_else() -> None:
    assert set(names(TASKS)) >= {"arithmetic", "countdown", "sorting"}


@pytest.mark.parametrize("task", TASKS, ids=names(TASKS))
def test_same_seed_same_problems(task: Method) -> None:
    problem = load(task).problem
    first, second, other = ([draw(problem, rng, TRAIN) for _ in range(50)] for rng in map(random.Random, (7, 7, 8)))
    assert first == second
    assert first != other


@pytest.mark.parametrize("task", TASKS, ids=names(TASKS))
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_train_and_heldout_share_no_prompt(task: Method, level: int) -> None:
    problem = load(task).problem
    train = {draw(problem, random.Random(seed), TRAIN, level=level).prompt for seed in range(3000)}
    heldout = {draw(problem, random.Random(seed), HELDOUT, level=level).prompt for seed in range(1500)}
    assert train
    assert heldout
    assert not train & heldout


def test_the_parts_are_fixed_for_good() -> None:
    # Written down once from the definition (blake2b of eight bytes, big-endian, modulo ten): a change would leak
    # problems that a stored run was trained on into its held-out part.
    prompts = [f"{a}+{b}=" for a in range(1, 6) for b in range(1, 6)]
    assert [prompt for prompt in prompts if part_of(prompt) == HELDOUT] == ["4+5=", "5+5="]


def test_a_tenth_is_held_out() -> None:
    share = sum(part_of(f"{number}=") == HELDOUT for number in range(20_000)) / 20_000
    assert share == pytest.approx(0.1, abs=0.01)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="one of train, heldout, not 'test'"):
        draw(load(TASKS[0]).problem, random.Random(0), "test")


def test_a_task_without_heldout_problems_is_an_error_and_no_endless_loop() -> None:
    prompt = next(p for p in map(str, range(100)) if part_of(p) == TRAIN)
    with pytest.raises(ValueError, match="too few different problems"):
        draw(lambda rng: Problem(prompt), random.Random(0), HELDOUT)
