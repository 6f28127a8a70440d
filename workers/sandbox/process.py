"""The outside of one child: starts it by exec of the interpreter, calls it, says how it ended, and ends it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any

from workers.contract.rewardcode import Signature
from workers.sandbox import libraries, results
from workers.sandbox.channel import Channel, Closed, Misused, Overdue
from workers.sandbox.records import Kind, Limits, SandboxFault, SandboxUnavailable

ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from workers.sandbox.child import main; del sys.path[0]; main()"
CREW = BOOT.replace("child", "forker")
# No path of the caller's, no user's and no other packages (-P -s -S), no bytecode written (-B). Strings hash alike in
# every child, so that a resumed run computes what an undisturbed one does. Threads are refused: numpy need not try.
FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")
WITH_DUCKDB = ("duckdb", "libraries")  # crews that may use it
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
USER_LINE = re.compile(r'File "reward\.py", line (\d+)')


class Child:
    """A warm process with one user's code loaded in it; it belongs to the thread that made it and dies with it.

    SandboxUnavailable: the walls cannot be raised; SandboxFault: the code fails when it is loaded.
    """

    def __init__(self, source: str, signature: Signature, limits: Limits, boot: str = BOOT) -> None:
        self.busy = 0.0  # seconds in calls: a bound on the processor time used
        home = Path(tempfile.mkdtemp(prefix="merit-sandbox-"))
        (home / "links").mkdir()
        (home / "empty").mkdir()
        base = getattr(sys, "_base_executable", None) or sys.executable  # a virtual environment brings its packages
        self._process = subprocess.Popen(
            [base, *FLAGS, "-c", boot, ROOT],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home / "empty",
            env=ENVIRONMENT,
            start_new_session=True,  # no terminal, and Ctrl-C in the lab does not reach it
        )
        self.close = weakref.finalize(self, _end, self._process, home)
        self._channel = Channel(self._process, limits)
        with contextlib.ExitStack() as not_started:
            not_started.callback(self.close)
            reply = self._exchange(_setup(source, signature, limits, home), limits.start_seconds)
            if "unavailable" in reply:
                raise SandboxUnavailable(str(reply["unavailable"]))
            not_started.pop_all()

    @property
    def alive(self) -> bool:
        """Whether it can take another call."""
        return bool(self.close.alive)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def output(self) -> bytearray:
        """The beginning of what was printed since this was last cleared."""
        return self._channel.output

    def call(self, arguments: dict[str, Any], seconds: float) -> Any:
        """What the function gave, as plain JSON; SandboxFault, after which `alive` says whether the child lives on."""
        return self._exchange({"arguments": arguments}, seconds).get("values")

    def work(self, arguments: dict[str, Any], seconds: float, pieces: bytes) -> list[Any]:
        """What a crew gave for each of the pieces, bytes or why there are none; faults as with `call`."""
        sizes = self._exchange({"arguments": arguments}, seconds, pieces).get("values")
        found, start = [], 0
        for size in sizes if isinstance(sizes, list) else []:
            end = start + (size if isinstance(size, int) else 0)
            found.append(bytes(self._channel.after[start:end]) if isinstance(size, int) else size)
            start = end
        return found

    def _exchange(self, message: dict[str, Any], seconds: float, pieces: bytes | None = None) -> dict[str, Any]:
        began = time.monotonic()
        with contextlib.ExitStack() as broken_off:
            broken_off.callback(self.close)  # an interrupted call, by Ctrl-C for one, would leave its reply to the next
            try:
                reply = self._channel.exchange(message, seconds, pieces)
            except Overdue:
                raise self._overdue(seconds) from None
            except Closed:
                raise self._died() from None
            except Misused as error:
                raise self._ended("output", str(error)) from None
            broken_off.pop_all()
        self.busy += time.monotonic() - began
        if "fault" in reply:
            raise results.told(reply["fault"], self._channel.limits)
        return reply

    def _overdue(self, seconds: float) -> SandboxFault:
        """Ask where it is, in Python or in C code below it, give it a moment to say so, and end it."""
        said = b""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)
        until = time.monotonic() + 0.2
        while time.monotonic() < until and not USER_LINE.search(said.decode(errors="replace")):
            time.sleep(0.005)
            said += self._channel.listen()
        return self._ended("timeout", f"too slow: it took longer than {seconds:.3g} s and was stopped", said)

    def _died(self) -> SandboxFault:
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return self._ended("crashed", "it closed the channel of its results")
        self._channel.listen()
        if status == -signal.SIGXCPU:
            used = f"its processor time ({self._channel.limits.cpu_seconds} s)"
            return self._ended("timeout", f"too slow: it used up {used} and was stopped")
        if status == -signal.SIGKILL:
            return self._ended("memory", "too big: the system stopped it, most likely for want of memory")
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return self._ended("crashed", f"its process ended with {how}", bytes(self.output))

    def _ended(self, kind: Kind, message: str, said: bytes = b"") -> SandboxFault:
        self.close()
        text = said.decode(errors="replace")
        line = USER_LINE.search(text)
        return SandboxFault(kind, message, None, int(line[1]) if line else None, text[-4000:] if line else "")


def _setup(source: str, signature: Signature, limits: Limits, home: Path) -> dict[str, Any]:
    """The first message: what to load, and which walls to raise before."""
    return {
        "source": source,
        "name": signature.name,
        "is_async": signature.is_async,
        "links": str(home / "links"),
        "directories": libraries.directories(),
        "libraries": libraries.installed(),
        "reply_bytes": limits.piece_bytes,
        "walls": {
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "open_files": limits.open_files,
            "unwalled": os.environ.get("MERIT_SANDBOX_UNWALLED") == "1",
            "duckdb": "duckdb" in source or signature.name in WITH_DUCKDB,
        },
    }


def _end(process: subprocess.Popen[bytes], home: Path) -> None:
    """Kill the whole group, wait for it, remove its directory."""
    if process.returncode is None:  # once it was waited for, its number may be another's
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    shutil.rmtree(home, ignore_errors=True)
