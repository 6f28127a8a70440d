"""Unit tests: the share that passes, in the real sandbox."""

from typing import Any

import pytest

from tests.workers.rewards.sqlstage import reward
from workers.contract.values import Values

TESTS = ["assert f(2) == 3", "assert f(0) == 1", "assert f(-1) == 0", "assert f(1) > 1"]
RIGHT = "def f(x):\n    return x + 1"


def score(*texts: str, tests: Any = None, **params: object) -> list[float | None]:
    given: Any = [TESTS] * len(texts) if tests is None else tests
    found = reward("unit_tests", texts, {"tests": given}, params)
    assert isinstance(found, Values)
    return list(found.total)


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
    assert score(RIGHT, "def f(x):\n    return 2", tests=[text, text]) == [1.0, 0.5]
    with pytest.raises(ValueError, match="the tests are no Python: line 1"):
        score(RIGHT, tests=["assert ("])


WRONG = "def f(x):\n    return 0"
CHECK = "def check(candidate):\n    assert candidate(2) == 3\n    assert candidate(0) == 1"


@pytest.mark.parametrize(
    "tests",
    [
        f"METADATA = {{}}\n\n{CHECK}\ncheck(f)",
        [f"{CHECK}\n\ncheck(f)"],
        [CHECK, "check(f)"],
        "import pytest\n\ndef test_f():\n    assert f(2) == 3",
        ["def test_f():\n    'it adds'\n    assert f(2) == 3"],
        "import math\nx = 2\nassert f(x) == x + 1",
    ],
)
def test_what_only_prepares_is_no_test(tests: Any) -> None:
    """As the tests of HumanEval, MBPP and pytest are written: a wrong program gets nothing for their first lines."""
    assert score(RIGHT, WRONG, "pass", tests=[tests] * 3) == [1.0, 0.0, 0.0]


def test_a_note_says_where_a_program_could_have_claimed_that_it_passed() -> None:
    tests = ["assert f(2) == 3", "try:\n    f('x')\nexcept TypeError:\n    pass\nelse:\n    assert False"]
    found = reward("unit_tests", [RIGHT, "def f(x):\n    return x", RIGHT], {"tests": [tests, tests, tests[:1]]}, {})
    assert isinstance(found, Values)
    assert list(found.total) == [1.0, 0.0, 1.0]
    said = "1 of 2 tests run in the program's own process only: it could have claimed that it passed."
    assert found.notes == {0: said}


def test_no_tests_no_reward() -> None:
    assert score(RIGHT, RIGHT, RIGHT, tests=[None, [], TESTS]) == [None, None, 1.0]
    with pytest.raises(ValueError, match="asks for the column 'tests'"):
        reward("unit_tests", [RIGHT], {})
