"""The walls stand around a warm child, and where one cannot be raised no code is run."""

import ctypes
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workers.sandbox.attempts import ROOT, answers
from workers.sandbox import Limits, Scorer, landlock, seccomp

X86 = platform.machine() == "x86_64"


def told(source: str) -> object:
    """What a function prints as JSON from inside."""
    with Scorer(
        f"import json, os, sys\n\ndef reward(completions):\n    print(json.dumps({source}))\n    return [0]"
    ) as scorer:
        scores = scorer.score(answers("a"))
    assert scores.faults == []
    return json.loads(scores.output)


def test_the_kernel_says_that_the_walls_stand() -> None:
    with Scorer("import os\ndef reward(completions):\n    return [os.getpid()]") as scorer:
        pid = scorer.score(answers("a")).values[0]
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid:.0f}/status").read_text().splitlines())
        limits = Path(f"/proc/{pid:.0f}/limits").read_text() if os.geteuid() == 0 else None
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert status["Threads"].strip() == "1"
    assert status["CapEff"].strip("\t0") == status["CapPrm"].strip("\t0") == ""
    assert "0" not in status["Uid"].split()
    assert "0" not in status["Gid"].split()
    assert status["Groups"].split() == [] or os.geteuid() != 0
    if limits is not None:
        found = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()[1:]}
        assert found["Max address space"] == str(Limits().memory_bytes)
        assert found["Max open files"] == "64"
        assert found["Max file size"] == found["Max processes"] == found["Max core file size"] == "0"


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    own = {"LC_CTYPE": "C.UTF-8"}  # Python's own doing, on some machines
    found = told("dict(os.environ)")
    assert isinstance(found, dict)
    assert found | own == {"OPENBLAS_NUM_THREADS": "1"} | own


def test_the_working_directory_is_its_own_and_empty() -> None:
    assert told("os.listdir('.')") == []
    assert told("os.getcwd()") != str(Path.cwd())


def test_nothing_of_the_lab_is_open_inside() -> None:
    """Pipes to the lab, the bin, and directories to import from, held without the right to read them."""
    with Path("/proc/self/stat").open() as held:
        os.set_inheritable(held.fileno(), True)
        links = "[os.readlink(f'/proc/self/fd/{fd}') for fd in range(64) if os.path.lexists(f'/proc/self/fd/{fd}')]"
        found = told(links)
    assert isinstance(found, list)
    ours = [each for each in found if not each.startswith(("pipe:", "/dev/null"))]
    assert all(Path(each).is_dir() or "merit-sandbox-" in each for each in ours), found


def test_nothing_of_the_lab_is_loaded_inside() -> None:
    assert told("[name for name in sys.modules if name.startswith(('workers', 'labapp', 'tests'))]") == []
    assert str(ROOT) not in str(told("[sys.path, sys.argv, sys.orig_argv]"))


@pytest.mark.parametrize("limited", [True, False])
def test_a_child_dies_with_the_lab(limited: bool) -> None:
    """A lab that is killed leaves no child behind, be it busy or waiting."""
    work = "while True: pass" if limited else "return [0]"
    lines = [
        "import sys, os; sys.path.insert(0, sys.argv[1])",
        "from tests.workers.sandbox.attempts import answers",
        "from workers.sandbox import Scorer",
        f"scorer = Scorer('import os\\ndef reward(completions):\\n    {work}')",
        "scorer._warm(); print(scorer._child.pid, flush=True); scorer.score(answers('a')); sys.stdin.read()",
    ]
    run = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines), str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdin is not None
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    home = Path(f"/proc/{pid}/cwd").readlink().parent
    run.kill()
    run.wait()
    run.stdin.close()
    run.stdout.close()
    _await_end(pid)
    shutil.rmtree(home)  # a lab that is killed cannot tidy up


def _await_end(pid: int) -> None:
    for _ in range(100):
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"the child {pid} lives on")


# Raises a filter of its own first, in which one system call does not exist, as on an older kernel or in a container
# that forbids it; then tries to score.
WITHOUT = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.workers.sandbox.attempts import answers
from tests.workers.sandbox.test_walls import take_away
from workers.sandbox import SandboxUnavailable, Scorer
take_away(int(sys.argv[2]))
try:
    with Scorer("def reward(completions): return [0.25]") as scorer:
        print(scorer.score(answers("a")).values)
except SandboxUnavailable as error:
    print(error.sentence())
"""


def take_away(number: int) -> None:
    """Make one system call fail with ENOSYS for this process and its children."""
    landlock.LIBC.prctl(38, *[ctypes.c_ulong(each) for each in (1, 0, 0, 0)])
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050026), (0x06, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    code = ctypes.create_string_buffer(program, len(program))
    landlock.call(seccomp.SECCOMP[platform.machine()], 1, 0, struct.pack("@HP", len(steps), ctypes.addressof(code)))


def without(number: int, unwalled: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(ROOT), str(number)], capture_output=True, text=True, timeout=60,
        env={"MERIT_SANDBOX_UNWALLED": unwalled, "DJANGO_SETTINGS_MODULE": ""},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.parametrize(("number", "wall"), [(landlock.CREATE_RULESET, "Landlock"), (317, "seccomp")])
def test_no_code_is_run_where_a_wall_is_missing(number: int, wall: str) -> None:
    if not X86 and number == 317:
        number = seccomp.SECCOMP["aarch64"]
        pytest.skip("this number belongs to x86-64")
    said = without(number, "")
    assert said.startswith(f"sandbox: the walls around users' code cannot be raised: {wall}: ")
    assert "Function not implemented" in said
    assert "MERIT_SANDBOX_UNWALLED=1" in said
    assert without(number, "0") == said


def test_an_operator_may_do_without() -> None:
    assert without(landlock.CREATE_RULESET, "1") == "[0.25]"


def test_the_filter_lists_what_both_architectures_name_alike() -> None:
    for machine in seccomp.ARCHITECTURES:
        program = seccomp.filter_program(machine)
        assert len(program) % 8 == 0
        code, _, _, value = struct.unpack("=HBBI", program[-8:])
        assert (code, value) == (seccomp.RETURN, seccomp.REFUSE)  # what is not named is refused
    columns = list(zip(*seccomp.ALLOWED.values(), strict=True))
    for column in columns:
        numbers = [number for number in column if number is not None]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("header", ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h"])
def test_the_numbers_are_the_kernel_s(header: str) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    lines = [line.split() for line in Path(header).read_text().splitlines() if line.startswith("#define __NR_")]
    numbers = {line[1].removeprefix("__NR_"): int(line[2]) for line in lines}
    assert {name: row[0] for name, row in seccomp.ALLOWED.items()} == {name: numbers[name] for name in seccomp.ALLOWED}
