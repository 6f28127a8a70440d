"""Which tests are taken apart, and that a right program passes each while a wrong one does not, in the real sandbox."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.workers.engine.asserting.cases import ADDS, APART, BOMBS, TRUSTING
from workers.contract.services import Program, Programs
from workers.engine.programs import make_programs


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with ExitStack() as stack:
        yield make_programs(stack)


def test_what_is_taken_apart_is_passed_by_the_right_program_only(programs: Programs) -> None:
    asked = [Program(source, (test,)) for test, pair in APART.items() for source in pair]
    for program, ran, right in zip(asked, programs(asked), [True, False] * len(APART), strict=True):
        assert (ran.passed, ran.trusting) == ((right,), 0), (program, ran)


def test_what_cannot_be_taken_apart_trusts_the_program_and_says_so(programs: Programs) -> None:
    for test, ran in zip(TRUSTING, programs([Program(ADDS, (test,)) for test in TRUSTING]), strict=True):
        assert (ran.passed, ran.trusting) == ((True,), 1), (test, ran)
    for ran in programs(
        [Program("def f(x):\n    raise KeyError", (test,)) for test in TRUSTING if "callable" not in test]
    ):
        assert (ran.passed, ran.trusting) == ((False,), 0)


def test_names_of_one_test_are_there_in_the_next(programs: Programs) -> None:
    tests = (
        "x = 2\nassert f(x) == 3",
        "assert f(x) == 3",
        "y = f(x)\nassert y == x + 1",
        "if True:\n    assert y == 3 == x + 1",
    )
    (ran,) = programs([Program(ADDS, tests)])
    assert (ran.passed, ran.trusting) == ((True,) * 4, 1)


@pytest.mark.parametrize("test", BOMBS)
def test_no_test_takes_the_worker_s_time_or_memory(test: str, programs: Programs) -> None:
    (ran,) = programs([Program("def f(x):\n    return 10 ** 9", (test,))], 0.5)
    assert ran.passed == (False,)
