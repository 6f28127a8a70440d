"""Pieces of work, each in a process of its own: what one does reaches neither the others nor anything outside."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.workers.sandbox import attempts, escapes
from tests.workers.sandbox.test_escapes import X86, targets
from workers.contract.services import Program, Programs
from workers.engine.programs import make_programs
from workers.sandbox import Limits
from workers.sandbox.crew import Crew

__all__ = ["targets"]  # the fixture
SOUND = Program("def f(x):\n    return x + 1", ("assert f(2) == 3", "assert f(0) == 1"))


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with ExitStack() as stack:
        yield make_programs(stack)


def told(programs: Programs, source: str, test: str = "assert True", seconds: float = 2.0) -> str:
    """The error of a program, which must not pass; a sound one beside it must."""
    (ran, beside) = programs([Program(source, (test,)), SOUND], seconds)
    assert ran.passed == (False,)
    assert beside.passed == (True, True)
    return ran.error


@pytest.mark.parametrize("name", attempts.ATTEMPTS)
def test_no_program_gets_out(name: str, targets: dict[str, Any], programs: Programs) -> None:
    """The same attempts as those of a reward function, in a program, which passes where it got out."""
    if not X86 and escapes.SYSCALL in attempts.ATTEMPTS[name]:
        pytest.skip("the attempt's numbers are those of x86-64")
    (ran,) = programs([Program(attempts.source(name, targets) + "\nattempt()\n", ("assert True",))], 5.0)
    assert ran.passed == (False,)
    if escapes.SYSCALL in attempts.ATTEMPTS[name]:
        assert ran.error.startswith("PermissionError"), ran.error
    assert Path(targets["secret"]).read_text() == "known only here\n"
    assert {path.name for path in Path(targets["place"]).iterdir()} == {"secret", "short", "socket"}


def test_a_program_that_does_what_is_allowed_passes(programs: Programs) -> None:
    (ran,) = programs([Program("import json, os\njson.loads('1')\nos.getpid()", ("assert True",))])
    assert ran.passed == (True,)


@pytest.mark.parametrize(
    "work",
    [
        "while True: pass",
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        "sum(range(10 ** 15))",
        "import sys; sys.set_int_max_str_digits(0); str(7 ** 10 ** 7)",
        "import signal as s; [s.signal(n, s.SIG_IGN) for n in (2, 10, 14, 15)]\nwhile True: pass",
        "while True:\n    try: 1 / 0\n    except BaseException: pass",
        "while True: print('x' * 10000)",
        "import os\nos.close(0); os.close(1); os.close(2)\nwhile True: pass",
    ],
)
def test_an_endless_program_ends_alone(work: str, programs: Programs) -> None:
    began = time.monotonic()
    assert told(programs, work, seconds=0.5) == "too slow: it took longer than 0.5 s and was stopped"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("import os; os._exit(0)", "it ended without a result"),
        ("raise SystemExit", "SystemExit"),
        ("import ctypes; ctypes.string_at(0)", "signal SIGSEGV"),
        ("x = [0] * 10 ** 10", "memory"),
        ("def f(", "SyntaxError"),
        ("import threading; threading.Thread(target=int).start()", "can't start new thread"),
        ("import multiprocessing; multiprocessing.Process(target=int).start()", "Operation not permitted"),
        ("input()", "EOFError"),
        ("\x00", "null bytes"),
        ("\ud800", "surrogates"),
    ],
)
def test_a_program_that_fails_says_how(work: str, said: str, programs: Programs) -> None:
    assert said.lower() in told(programs, work).lower()


def test_output_goes_nowhere_and_does_not_hold_a_program_up(programs: Programs) -> None:
    (ran,) = programs([Program("import os\nfor _ in range(500): os.write(1, b'x' * 9000)", ("assert True",))])
    assert ran.passed == (True,)


MEDDLING = """
import builtins, json, os, struct, sys
frame = sys._getframe()
while frame:
    for name, value in list(frame.f_locals.items()):
        if name in ("piece", "results", "errors"):
            try: value["tests"] = []
            except Exception: pass
    frame = frame.f_back
builtins.eval = builtins.exec = lambda *_: None
json.dumps = lambda *_, **__: '{"results": [{"passed": true}, {"passed": true}, {"passed": true}], "error": ""}'
reply = b'{"results": [{"passed": true}], "error": ""}'
for fd in range(3, 64):
    try: os.write(fd, reply)
    except OSError: pass
"""


def test_meddling_reaches_no_other_program_and_no_later_one(programs: Programs) -> None:
    wrong = Program("def f(x):\n    return 0", ("assert f(2) == 3",))
    assert told(programs, MEDDLING, "assert f(2) == 3")
    ran = programs([Program(MEDDLING, ("assert f(2) == 3",)), wrong, SOUND])
    assert [one.passed for one in ran] == [(False,), (False,), (True, True)]
    assert programs([wrong])[0].passed == (False,)


LOOKING = """
import sys
found, frame = "", sys._getframe()
while frame:
    found += repr({name: value for name, value in frame.f_locals.items() if name not in ("found", "frame")})
    frame = frame.f_back
"""


def test_a_program_does_not_find_its_neighbours(programs: Programs) -> None:
    """All frames that it stands in, read whole: its own text is there, that of the others is not."""
    neighbours = [Program(f"what = 'neighbour' + '{n}'", (f"assert what == 'right{n}'",)) for n in range(20)]
    looking = Program(LOOKING, ("assert chr(102) + '_back' in found", "assert chr(110) + 'eighbour' not in found"))
    for asked in ([looking, *neighbours], [*neighbours, looking], [*neighbours[:9], looking]):
        (ran,) = [ran for ran in programs(asked) if len(ran.passed) == 2]
        assert ran.passed == (True, True)


def test_only_its_own_pipe_is_open(programs: Programs) -> None:
    """Beside nowhere and the directories to import from, which are held without the right to read them."""
    source = """
import os, stat
kinds = []
for fd in range(64):
    try:
        kinds.append((fd, stat.S_IFMT(os.fstat(fd).st_mode)))
    except OSError:
        pass
pipes = sum(kind == stat.S_IFIFO for _, kind in kinds)
others = sorted({kind for _, kind in kinds} - {stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR})
"""
    tests = ("assert pipes == 1", "assert others == []")
    for ran in programs([Program(source + f"\n#{n}", tests) for n in range(9)]):
        assert ran.passed == (True, True), ran.error


def test_what_equals_everything_passes_no_comparison(programs: Programs) -> None:
    source = "class E(int):\n    def __eq__(self, other): return True\n\ndef f(x):\n    return E()"
    tests = ("assert f(2) == 3", "assert f(2) == [3]")
    assert programs([Program(source, tests)])[0].passed == (False, False)


def test_the_wanted_value_never_enters(programs: Programs) -> None:
    """A program that looks through all that runs finds any other test, but not the right side of a comparison."""
    source = """
import sys

def f(x):
    frame, found = sys._getframe(1), ""
    while frame:
        found += repr({name: value for name, value in frame.f_locals.items() if name != "f"})
        frame = frame.f_back
    return found.count(chr(116) + "he secret")
"""
    compared = Program(source, ("assert f(2) == 'the secret is 7'",))
    apart = Program(source, ("assert f(2) > 0 or 'the secret is 7' == 7",))
    trusting = Program(source, ("if True:\n    assert f(2) > 0 or 'the secret is 7' == 7",))
    found = programs([compared, apart, trusting])
    assert [(ran.passed, ran.trusting) for ran in found] == [((False,), 0), ((False,), 0), ((True,), 1)]
    assert found[0].error == "test 1 gave 0"


def test_names_and_modules_are_fresh_for_every_program(programs: Programs) -> None:
    first = Program("import json, builtins\nleft = 1\njson.left = 1\nbuiltins.left = 1", ("assert left == 1",))
    later = Program("import json\nfound = hasattr(json, 'left') or 'left' in dir(__builtins__)", ("assert not found",))
    for _ in range(2):
        assert [ran.passed for ran in programs([first, later])] == [(True,), (True,)]


def test_each_process_is_walled_like_any_other() -> None:
    read = "import os\npid, ids, environment = os.getpid(), (os.getuid(), os.getgid()), dict(os.environ)"
    with Crew("programs") as crew:
        (reply,) = crew.run([{"source": read, "tests": [[{"value": "ids"}, {"value": "environment"}]]}], 5.0)
    (ids,), (environment,) = reply["results"][0]["values"]
    assert os.geteuid() != 0 or 0 not in ids["tuple"]
    assert "DATABASE_URL" not in str(environment)
    assert "HOME" not in str(environment)


def test_a_reply_that_is_too_long_is_refused() -> None:
    with Crew("programs", Limits(piece_bytes=1000)) as crew:
        (reply,) = crew.run([{"source": "x = 'y' * 5000", "tests": [[{"value": "x"}]]}], 5.0)
    assert reply == {"error": "too big: its result is longer than 1,000 bytes"}


def test_a_piece_that_is_too_large_is_refused_alone() -> None:
    large = {"source": "x = 1\n#" + "y" * (1 << 24), "tests": [[{"value": "x"}]]}
    with Crew("programs") as crew:
        found = crew.run([large, {"source": "x = 2", "tests": [[{"value": "x"}]]}], 5.0)
    assert found[0] == {"error": "too big: it has more than 16 MiB"}
    assert found[1]["results"] == [{"passed": True, "values": [[2]]}]


def test_long_replies_come_whole() -> None:
    pieces = [{"source": f"x = '{n % 10}' * 180_000", "tests": [[{"value": "x"}] * 5]} for n in range(40)]
    with Crew("programs") as crew:
        found = crew.run(pieces, 10.0)
    assert [reply["results"][0]["values"] for reply in found] == [[[str(n % 10) * 180_000]] * 5 for n in range(40)]


def test_nothing_outlives_its_piece_or_the_crew(programs: Programs) -> None:
    with Crew("programs") as crew:
        lasting = {
            "source": "import os, atexit, time\natexit.register(time.sleep, 100)",
            "tests": [[{"value": "os.getpid()"}]],
        }
        (reply,) = crew.run([lasting], 5.0)
        pid = reply["results"][0]["values"][0][0]
        assert not Path(f"/proc/{pid}").exists()
        assert crew._child is not None
        forker = crew._child.pid
    assert not Path(f"/proc/{forker}").exists()


def test_a_crew_that_was_ended_from_outside_starts_anew() -> None:
    with Crew("programs") as crew:
        piece = {"source": "", "tests": [[{"value": "1"}]]}
        crew.run([piece], 5.0)
        assert crew._child is not None
        os.kill(crew._child.pid, 9)
        assert crew.run([piece], 5.0) == [{"results": [{"passed": True, "values": [[1]]}], "error": ""}]
