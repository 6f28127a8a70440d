"""A crew has no fewer walls than a reward function: as an ordinary user too, and none of its code runs without them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workers.sandbox import attempts
from tests.workers.sandbox.attempts import ROOT
from tests.workers.sandbox.test_escapes import NOBODY, ORDINARY_PYTHON, X86, targets
from workers.sandbox import landlock, seccomp

__all__ = ["targets"]  # the fixture
ALL_ATTEMPTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tests.workers.sandbox import attempts
from workers.sandbox.crew import Crew
targets = json.loads(sys.argv[2])
sources = [attempts.source(name, targets) + "\\nattempt()\\n" for name in attempts.ATTEMPTS]
with Crew("programs") as crew:
    replies = crew.run([{"source": source, "tests": [[{"run": "pass"}]]} for source in sources], 5.0)
print(json.dumps(dict(zip(attempts.ATTEMPTS, replies))))
"""
WITHOUT = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.workers.sandbox.test_walls import take_away
from workers.sandbox import SandboxUnavailable
from workers.sandbox.crew import Crew
take_away(int(sys.argv[2]))
try:
    with Crew("programs") as crew:
        print(crew.run([{"source": "x = 3", "tests": [[{"value": "x"}]]}], 5.0))
except SandboxUnavailable as error:
    print(error.sentence())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests ran as an ordinary user")
@pytest.mark.skipif(not Path(ORDINARY_PYTHON).exists() or not X86, reason="no interpreter that others may run")
def test_programs_of_an_ordinary_user_s_crew_do_not_get_out(targets: dict[str, Any]) -> None:
    run = subprocess.run(
        [ORDINARY_PYTHON, "-B", "-c", ALL_ATTEMPTS, str(ROOT), json.dumps(targets, default=str)],
        capture_output=True, text=True, timeout=250, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert set(found) == set(attempts.ATTEMPTS)
    assert {name: each for name, each in found.items() if each.get("results") != [{"passed": False}]} == {}
    assert Path(targets["secret"]).read_text() == "known only here\n"


def without(number: int, unwalled: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(ROOT), str(number)], capture_output=True, text=True, timeout=60,
        env={"MERIT_SANDBOX_UNWALLED": unwalled, "DJANGO_SETTINGS_MODULE": ""},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.skipif(not X86, reason="the numbers are those of x86-64")
@pytest.mark.parametrize(
    ("number", "wall"), [(landlock.CREATE_RULESET, "Landlock"), (seccomp.SECCOMP["x86_64"], "seccomp")]
)
def test_no_program_is_run_where_a_wall_is_missing(number: int, wall: str) -> None:
    said = without(number, "")
    assert said.startswith(f"sandbox: the walls around users' code cannot be raised: {wall}: ")
    assert without(number, "1") == "[{'results': [{'passed': True, 'values': [[3]]}], 'error': ''}]"
