"""Unit tests: the share that passes, in the real sandbox."""

from typing import Any

import pytest

from tests.workers.rewards.sqlstage import reward

TESTS = ["assert f(2) == 3", "assert f(0) == 1", "assert f(-1) == 0", "assert f(1) > 1"]
RIGHT = "def f(x):\n    return x + 1"


def score(*texts: str, tests: Any = None, **params: object) -> list[float | None]:
    given: Any = [TESTS] * len(texts) if tests is None else tests
    found = reward("unit_tests", texts, {"tests": given}, params)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (RIGHT, 1.0),
        (f"Like this:\n```python\n{RIGHT}\n```\nand so on", 1.0),
        (f"<answer>{RIGHT}</answer>", 1.0),
        ("def f(x):\n    return abs(x) + 1", 0.75),
        ("def f(x):\n    return 3", 0.5),
        ("def f(x):\n    return 1 / x", 0.0),
        ("def f(x): return", 0.0),
        ("def f(x)", 0.0),
        ("", 0.0),
        ("import os; os._exit(0)", 0.0),
    ],
)
def test_the_share_of_tests_that_pass(text: str, value: float) -> None:
    assert score(text) == [value]


def test_all_or_nothing() -> None:
    assert score(RIGHT, "def f(x):\n    return 3", counts="all or nothing") == [1.0, 0.0]


def test_a_program_may_have_to_stand_in_a_block() -> None:
    assert score(RIGHT, f"```py\n{RIGHT}\n```", where="last block") == [0.0, 1.0]


def test_an_endless_program_spoils_only_its_own_reward() -> None:
    assert score("while True: pass", RIGHT, "def f(x):\n    while x: pass", seconds=0.5) == [0.0, 1.0, 0.0]


def test_tests_may_be_one_text_and_build_on_each_other() -> None:
    text = "y = f(1)\nassert y == 2\nfor n in range(3):\n    assert f(n) == n + 1"
    assert score(RIGHT, "def f(x):\n    return 2", tests=[text, text]) == [1.0, pytest.approx(2 / 3)]
    with pytest.raises(ValueError, match="the tests are no Python: line 1"):
        score(RIGHT, tests=["assert ("])


def test_no_tests_no_reward() -> None:
    assert score(RIGHT, RIGHT, RIGHT, tests=[None, [], TESTS]) == [None, None, 1.0]
    with pytest.raises(ValueError, match="asks for the column 'tests'"):
        reward("unit_tests", [RIGHT], {})
