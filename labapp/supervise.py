"""The processes of a lab on one machine: started in groups of their own, restarted when they die, ended together."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STEADY = 30.0  # seconds after which a process counts as well, and its next death is waited for briefly again
LONGEST_WAIT = 30.0  # seconds between two tries, at most
LARGEST_LOG = 20 * 1024 * 1024  # bytes; a longer log is moved aside at the next start

Say = Callable[[str], None]


@dataclass
class Child:
    """One process that should always run, with its log; `stop_with` is the signal it understands as an end in order."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    stop_with: signal.Signals = signal.SIGTERM
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    wait: float = 0.5
    due: float = field(default=0.0)  # when to try again, by the monotonic clock

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C in the terminal reaches only the supervisor."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        self.started = time.monotonic()

    def alive(self) -> bool:
        """Whether its first process still runs."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """The last line of its log, for the one line that says why it died."""
        try:
            lines = self.log.read_text(errors="replace")[-2000:].strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:160] if lines else ""


class Supervisor:
    """Keeps the children running until told to stop; knows their numbers beyond its own death."""

    def __init__(self, record: Path, say: Say) -> None:
        """`record` is a file that lists the running processes, for a start after a kill -9; `say` prints one line."""
        self.record = record
        self.say = say
        self.children: list[Child] = []

    def add(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        child.start()
        self.children.append(child)
        self._write_record()

    def tend(self) -> None:
        """Look after all children once: those that died are started again, later and later."""
        now = time.monotonic()
        for child in self.children:
            if child.alive():
                continue
            if child.due == 0.0:
                self._mourn(child, now)
            elif now >= child.due:
                child.due = 0.0
                child.start()
                self._write_record()

    def _mourn(self, child: Child, now: float) -> None:
        assert child.process is not None
        _kill_group(child.process.pid)  # what it left behind must not go on beside its successor
        child.wait = 0.5 if now - child.started > STEADY else min(child.wait * 2, LONGEST_WAIT)
        child.due = now + child.wait
        code = child.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        self.say(f"{child.name} {how}; it starts again in {child.wait:.0f} s. {child.last_words()} (log: {child.log})")

    def stop(self, patience: float = 8.0) -> None:
        """End all children, the last started first; who does not listen within `patience` seconds is killed."""
        for child in reversed(self.children):
            if child.alive():
                assert child.process is not None
                child.process.send_signal(child.stop_with)
        deadline = time.monotonic() + patience
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.name} did not stop within {patience:.0f} s and was killed")
            _kill_group(child.process.pid)
            child.process.wait()
        self.children.clear()
        self.record.unlink(missing_ok=True)

    def _write_record(self) -> None:
        pids = [child.process.pid for child in self.children if child.process is not None]
        rows = [{"pid": pid, "created": psutil.Process(pid).create_time()} for pid in pids if psutil.pid_exists(pid)]
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(rows))
        fresh.replace(self.record)


def end_leftovers(record: Path) -> int:
    """Kill what an earlier supervisor, itself killed, left running; how many groups that were.

    A number alone may by now belong to someone else's process, so the time of its start is compared too.
    """
    try:
        rows = json.loads(record.read_text())
    except (OSError, ValueError):
        return 0
    ended, members = 0, []
    for row in rows:
        try:
            same = abs(psutil.Process(row["pid"]).create_time() - row["created"]) < 0.01
        except psutil.Error:
            same = False
        # A group lives on in its members when its first process is gone; nobody else can have got its number then.
        if same or not psutil.pid_exists(row["pid"]):
            members += _members(row["pid"])
            ended += _kill_group(row["pid"])
    psutil.wait_procs(members, timeout=10)  # only then are their port and their files free again
    record.unlink(missing_ok=True)
    return ended


def _members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group:
                found.append(process)
    return found


def _kill_group(group: int) -> bool:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
