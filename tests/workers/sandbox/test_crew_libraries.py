"""Libraries of programs: imported once for all that name one, and opened to nobody who does not."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.services import Program, Programs
from workers.engine.programs import make_programs
from workers.sandbox import Scorer
from workers.sandbox.crew import Crew

BOUNDS = "open('/proc/self/cgroup').read()"
DUCKDB = "import duckdb\ndef f(x):\n    return duckdb.sql(f'SELECT {x} + 1').fetchall()[0][0]"


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with ExitStack() as stack:
        yield make_programs(stack)


def test_programs_may_use_the_allowed_libraries(programs: Programs) -> None:
    sources = (
        "import numpy as np\ndef f(x):\n    return int(np.sum([x, 1]))",
        "from sympy import Integer\ndef f(x):\n    return int(Integer(x) + 1)",
        "import regex\ndef f(x):\n    return int(regex.sub('x', '', f'x{x}')) + 1",
        DUCKDB,
        "def f(x):\n    return x + 1",
    )
    ran = programs([Program(source, ("assert f(2) == 3",)) for source in sources], 5.0)
    assert [one.passed for one in ran] == [(True,)] * 5, ran


def test_a_library_is_imported_once_and_left_whole() -> None:
    spoil: dict[str, Any] = {"source": "import numpy\nnumpy.sum = None\nnumpy.left = 1", "tests": [[{"run": "pass"}]]}
    look = {
        "source": "import sys\nthere = 'numpy' in sys.modules\nimport numpy",
        "tests": [[{"value": text}] for text in ("there", "hasattr(numpy, 'left')", "int(numpy.sum([1, 2]))")],
    }
    with Crew("libraries") as crew:
        for _ in range(2):
            found = crew.run([spoil, look], 5.0, ["numpy"])
            assert [result["values"] for result in found[1]["results"]] == [[[True]], [[False]], [[3]]]
        assert crew.run([look], 5.0, ["no_such_library"])[0]["results"][1]["values"] == [[False]]


def test_only_who_uses_duckdb_may_read_its_own_bounds(programs: Programs) -> None:
    plain, with_duckdb = programs([Program(BOUNDS, ("assert True",)), Program(f"{BOUNDS} # duckdb", ("assert True",))])
    assert (plain.passed, with_duckdb.passed) == ((False,), (True,))
    assert plain.error.startswith("PermissionError")


@pytest.mark.parametrize(("used", "value"), [("pass", 0.0), ("import duckdb; duckdb.sql('SELECT 1').fetchall()", 1.0)])
def test_so_it_is_with_rewards(used: str, value: float) -> None:
    source = f"def reward(completions):\n    {used}\n    try: {BOUNDS}\n    except OSError: return [0]\n    return [1]"
    with Scorer(source) as scorer:
        assert scorer.score(answers("x")).values == [value]


def test_what_the_package_offers_is_known() -> None:
    import workers.sandbox

    assert all(getattr(workers.sandbox, name).__name__ == name for name in workers.sandbox.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        _ = workers.sandbox.Other
