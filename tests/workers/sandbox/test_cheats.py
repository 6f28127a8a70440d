"""Cheats pass no test that is taken apart. Where a test trusts its own process they do, which shows what they are."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.workers.sandbox.cheats import FAILING, WORKING
from workers.contract.services import Program, Programs
from workers.engine.programs import make_programs

APART = (
    "assert f(2) == 3", "assert abs(f(2) - 3) < 1e-6", "assert f(2) in (3, 4)", "assert sorted([f(2), 1]) == [1, 3]",
    "assert f(2) > 2 and f(2) < 4 and len(str(f(2))) == 1", "want = 3\ngot = f(2)\nassert got == want",
    "def check(candidate):\n    for x in range(3):\n        assert candidate(x) == x + 1\ncheck(f)",
    "assert all(f(x) == x + 1 for x in range(3))", "assert math.isclose(f(2), 3)",
    "assert len(str(f(2))) < 2 and 2 < abs(f(2)) < 4",
)  # fmt: skip
TRUSTING = tuple(
    f"want = 3\nif want:\n    got = f(2)\n    assert {asserted}\n    x = 1"
    for asserted in ("abs(got - want) < 1", "got == want")
)


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with ExitStack() as stack:
        yield make_programs(stack)


@pytest.mark.parametrize("name", WORKING | FAILING)
def test_no_cheat_passes_what_is_taken_apart(name: str, programs: Programs) -> None:
    source = (WORKING | FAILING)[name]
    for ran in programs([Program(source, (test,)) for test in APART]):
        assert ran.passed == (False,), ran
        assert ran.trusting == 0
    honest = programs([Program("def f(x):\n    return x + 1", APART)])
    assert honest[0].passed == (True,) * len(APART)


@pytest.mark.parametrize("name", WORKING)
def test_a_cheat_works_where_the_program_is_trusted_and_that_is_said(name: str, programs: Programs) -> None:
    found = [ran for ran in programs([Program(WORKING[name], (test,)) for test in TRUSTING]) if ran.passed == (True,)]
    assert found
    assert all(ran.trusting == 1 for ran in found)


@pytest.mark.parametrize("name", FAILING)
def test_what_ends_early_passes_nothing_at_all(name: str, programs: Programs) -> None:
    (ran,) = programs([Program(FAILING[name], (*APART, *TRUSTING))])
    assert not any(ran.passed)
