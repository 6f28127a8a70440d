"""The lab's own servers, other users' rewards, and what the next call finds: none can be reached from inside."""

import json
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.workers.sandbox.attempts import answers
from workers.contract.services import Program
from workers.engine.programs import make_programs
from workers.sandbox import Scorer, Scores

TRY = """
def told(what):
    try:
        what()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "got out"
"""


def sockets(home: Path) -> list[str]:
    """Where the servers of the lab listen."""
    return sorted(str(path) for path in home.rglob("*") if path.is_socket())


def inside(source: str) -> Any:
    """What a function `tries()` of users' code gives, which has to be JSON."""
    code = TRY + source + "\nimport json\ndef reward(completions):\n    print(json.dumps(tries()))\n    return [0]"
    with Scorer(code) as scorer:
        scores = scorer.score(answers("a"))
    assert scores.faults == []
    return json.loads(scores.output)


def test_the_lab_s_database_and_redis_cannot_be_called(servers: Any) -> None:
    paths = sockets(servers.home)
    assert any("PGSQL" in path for path in paths)
    assert any("redis" in path for path in paths)
    for path in paths:  # out here each of them answers the call
        with socket.socket(socket.AF_UNIX) as calling:
            calling.connect(path)
    source = (
        "import socket\ndef tries():\n"
        f"    return [told(lambda: socket.socket(socket.AF_UNIX).connect(path)) for path in {paths!r}]"
    )
    assert inside(source) == ["PermissionError: [Errno 1] Operation not permitted"] * len(paths)
    program = f"import socket\nfor path in {paths!r}: socket.socket(socket.AF_UNIX).connect(path)"
    with ExitStack() as stack:
        (ran,) = make_programs(stack)([Program(program, ("assert True",))])
    assert ran.error == "PermissionError: [Errno 1] Operation not permitted"


def other(scorer: Scorer) -> int:
    """The process id of another user's warm child."""
    assert scorer._child is not None
    return scorer._child.pid


def test_another_user_s_reward_cannot_be_read_or_disturbed() -> None:
    with Scorer("SECRET = 'the rule'\ndef reward(completions):\n    return [1.0]") as neighbour:
        pid = other(neighbour)
        home = Path(f"/proc/{pid}/cwd").readlink().parent
        source = f"""
import os
def tries():
    return [told(what) for what in (
        lambda: open('/proc/{pid}/mem', 'rb'), lambda: open('/proc/{pid}/environ').read(),
        lambda: open('/proc/{pid}/maps').read(), lambda: open('/proc/{pid}/cmdline').read(),
        lambda: os.listdir('/proc/{pid}/fd'), lambda: open('/proc/{pid}/fd/0', 'wb'), lambda: os.kill({pid}, 0),
        lambda: os.pidfd_open({pid}), lambda: os.listdir('{home.parent}'), lambda: os.listdir('{home}'),
        lambda: open('{home}/empty/x', 'w'), lambda: os.symlink('/', '{home}/links/json'),
    )]
"""
        found = inside(source)
        assert len(found) == 12
        assert all(each.startswith(("PermissionError", "OSError")) for each in found), found
        assert neighbour.score(answers("a")).values == [1.0]
        assert os.listdir(home / "empty") == []  # noqa: PTH208


CHANGES = """
import builtins, json, math, re
def reward(completions):
    for module in (json, math, re):
        for name in [name for name in vars(module) if not name.startswith("__")]:
            setattr(module, name, None)
    builtins.sum = builtins.len = lambda *_: 99
    return [1.0]
"""
SOUND = """
import math, re
def reward(completions):
    return [math.floor(sum(map(int, re.findall("[0-9]", completions[0]))))]
"""


def test_libraries_that_one_reward_changes_are_whole_for_the_next() -> None:
    with Scorer(SOUND) as warm, Scorer(CHANGES) as changing:
        assert warm.score(answers("1 2")).values == [3.0]
        assert changing.score(answers("1")).faults  # it has spoilt its own reply, and its child is renewed
        assert warm.score(answers("1 2")).values == [3.0]
        with Scorer(SOUND) as later:
            assert later.score(answers("2 2")).values == [4.0]


def scores(source: str) -> Scores:
    with Scorer(source) as scorer:
        return scorer.score(answers("a", "b"))


def test_a_result_that_would_run_when_unpickled_is_only_a_wrong_result(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    source = f"""
import os
class Trap:
    def __reduce__(self):
        return os.mkdir, ('{tmp_path}/sprung',)
def reward(completions):
    return [Trap() for _ in completions]
"""
    found = scores(source)
    assert found.values == [None, None]
    assert {fault.kind for fault in found.faults} == {"not_a_number"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer", ["{completions[0]: 1.0, completions[1]: 2.0}", "[(0, 5.0), (1, 5.0), (0, 9.0)]", "[[1.0], 2.0, 3.0]"]
)
def test_a_result_says_nothing_of_samples_that_were_not_asked(answer: str) -> None:
    found = scores(f"def reward(completions):\n    return {answer} if 'b' in completions else [0.0]")
    assert len(found.values) == 2
    assert found.values[0] in (0.0, None)
