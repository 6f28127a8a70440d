"""What one program leaves behind is not there for the next, and who looks for a neighbour finds none."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.workers.sandbox.test_crew import SOUND
from workers.contract.services import Program, Programs
from workers.engine.programs import make_programs

LEAVING = {
    "an import hook": "import sys\nsys.meta_path.insert(0, None)\nsys.path_hooks.clear(); sys.path.clear()",
    "a module in place of another": "import sys, types\nsys.modules['math'] = sys.modules['json'] = types",
    "another import": "import builtins\nbuiltins.__import__ = None",
    "functions of all modules": "import sys\nfor m in list(sys.modules.values()):\n"
    "    for name in dir(m):\n        try: setattr(m, name, None)\n        except Exception: pass",
    "a trace, a profile, an audit": "import sys\nsys.settrace(id); sys.setprofile(id); sys.addaudithook(print)",
    "something at the end": "import atexit, os\natexit.register(os.abort)\n"
    "class A:\n    __del__ = os.abort\na = [A()]; a.append(a)",
    "threads' own locks": "import threading\nthreading.main_thread()._tstate_lock = None; threading._shutdown = None",
    "limits of Python": "import sys\nsys.setrecursionlimit(50); sys.set_int_max_str_digits(640)",
    "the collector": "import gc\ngc.disable(); gc.set_threshold(1, 1, 1); gc.callbacks.append(print)",
    "signals": "import signal as s\nfor n in (1, 2, 10, 14, 15): s.signal(n, s.SIG_IGN)\ns.setitimer(0, 1e-5, 1e-5)",
    "the environment": "import os\nos.environ.clear(); os.environ['LD_PRELOAD'] = 'x'",
    "the encoder of replies": "import json, os, struct\njson.dumps = json.loads = json.encoder.c_make_encoder = None",
}  # fmt: skip


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with ExitStack() as stack:
        yield make_programs(stack)


@pytest.mark.parametrize("name", LEAVING)
def test_what_is_left_behind_reaches_nobody(name: str, programs: Programs) -> None:
    usual = Program("import json, math, threading\n" + SOUND.source, (*SOUND.tests, "assert json.loads('[1]') == [1]"))
    for _ in range(2):
        _, *others = programs([Program(LEAVING[name], ("assert True",)), usual, SOUND])
        assert [ran.passed for ran in others] == [(True,) * 3, (True,) * 2], others


WALKING = """
import gc
found, rare = 0, 'xylopal'
for each in gc.get_objects():
    try: found += repr(each).count(rare * 3)
    except Exception: pass
    for inner in gc.get_referents(each):
        if type(inner) in (str, bytes, bytearray, memoryview): found += repr(inner).count(rare * 3)
"""


SCANNING = """
import ctypes, gc
libc = ctypes.CDLL(None, use_errno=True)
libc.sbrk.restype = ctypes.c_void_p
rare = bytes(reversed(b"lapolyx"))

def there(place):  # who names memory that is not there is told so
    libc.access(ctypes.c_void_p(place), 0)
    return ctypes.get_errno() != 14

def scan(pages):
    return sum(ctypes.string_at(page, 4096).count(rare * 3) for page in pages if there(page) and there(page + 4095))

places = {(id(each) >> 24) + n for each in gc.get_objects() for n in (-1, 0, 1)}
found = sum(scan(range(place << 24, place + 1 << 24, 4096)) for place in places)
found += scan(range((libc.sbrk(0) >> 12 << 12) - (1 << 24), libc.sbrk(0), 4096))
"""


def test_no_byte_of_memory_is_a_neighbour_s(programs: Programs) -> None:
    """Not even of what was freed: all memory around the objects, read past Python."""
    neighbours = [Program(f"what = '{'xylopal' * 50}{n}'", (f"assert what == {n}",)) for n in range(40)]
    looking = Program(SCANNING, ("assert found < 5",))
    for asked in ([looking, *neighbours], [*neighbours, looking], [*neighbours[:9], looking]):
        (ran,) = [ran for program, ran in zip(asked, programs(asked, 20.0), strict=True) if program is looking]
        assert ran.passed == (True,), ran
    (seen,) = programs([Program(SCANNING + f"# {'xylopal' * 50}", ("assert found >= 5",))], 20.0)
    assert seen.passed == (True,), "it does see what is there"


def test_no_object_anywhere_is_a_neighbour_s(programs: Programs) -> None:
    """All objects that the collector knows: the looking program's own text may be there, the others' is not."""
    neighbours = [Program(f"what = '{'xylopal' * 50}{n}'", (f"assert what == {n}",)) for n in range(20)]
    looking = Program(WALKING, ("assert found == 0",))
    for asked in ([looking, *neighbours], [*neighbours, looking], [*neighbours[:9], looking]):
        (ran,) = [ran for program, ran in zip(asked, programs(asked), strict=True) if program is looking]
        assert ran.passed == (True,), ran
