"""The outside of one child: starts it, exchanges messages under a deadline, bounds what it says, ends it."""

import contextlib
import os
import re
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any

from workers.sandbox import libraries, results, wire
from workers.sandbox.check import Signature
from workers.sandbox.records import Kind, Limits, SandboxFault, SandboxUnavailable

ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from workers.sandbox.child import main; del sys.path[0]; main()"
# No path of the caller's, no user's and no other packages (-P -s -S), no bytecode written (-B). Strings hash alike in
# every child, so that a resumed run computes what an undisturbed one does. Threads are refused: numpy need not try.
FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
USER_LINE = re.compile(r'File "reward\.py", line (\d+)')
KEPT_OUTPUT = 20_000  # bytes of what was printed that are kept


class Child:
    """A warm process with one user's code loaded in it; it belongs to the thread that made it and dies with it."""

    def __init__(self, source: str, signature: Signature, limits: Limits) -> None:
        self.limits = limits
        self.output = bytearray()
        self.busy = 0.0  # seconds in calls: a bound on the processor time used
        home = Path(tempfile.mkdtemp(prefix="merit-sandbox-"))
        (home / "links").mkdir()
        (home / "empty").mkdir()
        base = getattr(sys, "_base_executable", None) or sys.executable  # a virtual environment brings its packages
        self._process = subprocess.Popen(
            [base, *FLAGS, "-c", BOOT, ROOT],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home / "empty",
            env=ENVIRONMENT,
            start_new_session=True,  # no terminal, and Ctrl-C in the lab does not reach it
        )
        self.close = weakref.finalize(self, _end, self._process, home)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._requests, self._results, self._prints = [pipe.fileno() for pipe in pipes if pipe is not None]
        for pipe in (self._requests, self._results, self._prints):
            os.set_blocking(pipe, False)
        self._start(source, signature, str(home / "links"))

    @property
    def alive(self) -> bool:
        """Whether it can take another call."""
        return bool(self.close.alive)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def call(self, arguments: dict[str, Any], seconds: float) -> Any:
        """What the function gave, as plain JSON; SandboxFault, after which `alive` says whether the child lives on."""
        reply = self._exchange({"arguments": arguments}, seconds)
        if "values" not in reply:
            raise self._forged()
        return reply["values"]

    def _start(self, source: str, signature: Signature, links: str) -> None:
        limits = self.limits
        setup = {
            "source": source,
            "name": signature.name,
            "is_async": signature.is_async,
            "links": links,
            "directories": libraries.directories(),
            "libraries": libraries.installed(),
            "walls": {
                "memory_bytes": limits.memory_bytes,
                "cpu_seconds": limits.cpu_seconds,
                "open_files": limits.open_files,
                "unwalled": os.environ.get("MERIT_SANDBOX_UNWALLED") == "1",
            },
        }
        with contextlib.ExitStack() as not_started:
            not_started.callback(self.close)
            reply = self._exchange(setup, limits.start_seconds)
            if "unavailable" in reply:
                raise SandboxUnavailable(str(reply["unavailable"]))
            not_started.pop_all()

    def _exchange(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        began = time.monotonic()
        with contextlib.ExitStack() as broken_off:
            broken_off.callback(self.close)  # an interrupted call, by Ctrl-C for one, would leave its reply to the next
            reply = self._await(message, began + seconds, seconds)
            broken_off.pop_all()
        self.busy += time.monotonic() - began
        if "fault" in reply:
            raise results.told(reply["fault"])
        return reply

    def _await(self, message: dict[str, Any], deadline: float, seconds: float) -> dict[str, Any]:
        """Send one message and wait for the reply that carries its number, reading what is printed meanwhile."""
        nonce = secrets.token_hex(16)
        outgoing = memoryview(wire.pack({"nonce": nonce, **message}))
        incoming = bytearray()
        heard = 0
        with selectors.DefaultSelector() as ready:
            ready.register(self._requests, selectors.EVENT_WRITE)
            ready.register(self._results, selectors.EVENT_READ)
            ready.register(self._prints, selectors.EVENT_READ)
            while (reply := self._complete(incoming, nonce)) is None:
                events = ready.select(max(0.0, deadline - time.monotonic()))
                if time.monotonic() >= deadline:
                    raise self._overdue(seconds)
                for key, _ in events:
                    if key.fd == self._requests:
                        outgoing = self._write(outgoing)
                        over = not outgoing
                    elif key.fd == self._prints:
                        size = self._listen()
                        heard, over = heard + size, size == 0
                    else:
                        chunk = _read(self._results)
                        incoming += chunk
                        over = not chunk
                    if over:
                        ready.unregister(key.fileobj)
                        if key.fd == self._results:
                            raise self._died()
                if heard > self.limits.output_bytes:
                    raise self._ended("output", f"it printed more than {self.limits.output_bytes:,} bytes in one call")
        self._listen()
        return reply

    def _write(self, outgoing: memoryview) -> memoryview:
        try:
            return outgoing[os.write(self._requests, outgoing) :]
        except BrokenPipeError:
            return outgoing[len(outgoing) :]  # it has gone; the closed result channel says how

    def _listen(self) -> int:
        chunk = _read(self._prints)
        self.output += chunk[: max(0, KEPT_OUTPUT - len(self.output))]
        return len(chunk)

    def _complete(self, incoming: bytearray, nonce: str) -> dict[str, Any] | None:
        """The reply once it is whole. Whatever else is on the channel was put there by the code: it writes past our
        sender, or answers for a call that it has not been given."""
        if len(incoming) < wire.LENGTH.size:
            return None
        (size,) = wire.LENGTH.unpack_from(incoming)
        if size > self.limits.reply_bytes:
            raise self._ended("output", f"its result is longer than {self.limits.reply_bytes:,} bytes")
        if len(incoming) < wire.LENGTH.size + size:
            return None
        try:
            reply = wire.unpack(bytes(incoming))
        except (ValueError, RecursionError):
            raise self._forged() from None
        if reply.get("nonce") != nonce:
            raise self._forged()
        return reply

    def _forged(self) -> SandboxFault:
        return self._ended("output", "it wrote into the channel of its results")

    def _overdue(self, seconds: float) -> SandboxFault:
        """Ask where it is, in Python or in C code below it, give it a moment to say so, and end it."""
        said = b""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)
        until = time.monotonic() + 0.2
        while time.monotonic() < until and not USER_LINE.search(said.decode(errors="replace")):
            time.sleep(0.005)
            said += _read(self._prints)
        return self._ended("timeout", f"it took longer than {seconds:.3g} s and was stopped", said)

    def _died(self) -> SandboxFault:
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return self._ended("crashed", "it closed the channel of its results")
        self._listen()
        if status == -signal.SIGXCPU:
            return self._ended("timeout", "it used up its processor time and was stopped")
        if status == -signal.SIGKILL:
            return self._ended("memory", "the system stopped it, most likely for want of memory")
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return self._ended("crashed", f"its process ended with {how}", bytes(self.output))

    def _ended(self, kind: Kind, message: str, said: bytes = b"") -> SandboxFault:
        self.close()
        text = said.decode(errors="replace")
        line = USER_LINE.search(text)
        return SandboxFault(kind, message, None, int(line[1]) if line else None, text[-4000:] if line else "")


def _read(fd: int) -> bytes:
    """What there is to read now; empty at the end, and where there is nothing yet."""
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return b""


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
