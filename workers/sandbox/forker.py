"""The inside of a crew: walled once, then a process of its own for each piece of work, walled again. Started by exec.

What stays, the forker, runs our own code only. What it forks raises the other walls first, does one piece of work
(which may be anybody's code), writes one reply into a pipe that is its alone, and is killed. So no piece can answer
for another, change what another finds, or live on; and one that takes too long ends alone.
"""

import contextlib
import json
import os
import selectors
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from workers.sandbox import drivers, landlock, walls, wire
from workers.sandbox.drivers import Work


@dataclass
class Going:
    """A process at work on the piece `index`, to be killed at `deadline`; its reply so far."""

    index: int
    pid: int
    deadline: float
    reply: bytearray = field(default_factory=bytearray)


@dataclass
class Batch:
    """Pieces, their replies so far, and the processes at work on them by the descriptor that each is heard on.

    Pieces and replies are JSON that nobody reads here: few large objects, so that little is copied with each fork.
    """

    pieces: list[str]
    seconds: float
    replies: list[str]
    going: dict[int, Going] = field(default_factory=dict)

    def alone(self, index: int) -> str:
        """In a new process: one piece. The others, and what came of them, are not left there to be copied."""
        piece = self.pieces[index]
        self.pieces.clear()
        self.replies.clear()
        self.going.clear()
        return piece


@dataclass(frozen=True)
class Forker:
    """Forks for each piece, `width` at a time. `work` does a piece; `rules` and `inner` are its walls; `closed` the
    descriptors that it must not have."""

    work: Work
    rules: list[landlock.Ruleset]
    inner: dict[str, Any]
    closed: tuple[int, ...]
    reply_bytes: int
    width: int

    def run(self, pieces: list[str], seconds: float, libraries: list[str]) -> list[str]:
        """One reply a piece: what `work` gave, or {"error": why there is nothing}. `libraries` are named by some."""
        drivers.get_ready(libraries)
        batch = Batch(pieces, seconds, [""] * len(pieces))
        waiting = deque(range(len(pieces)))
        # Not epoll: what is forked would share its descriptor, and could make us deaf to the others.
        with selectors.PollSelector() as ready:
            while waiting or batch.going:
                while waiting and len(batch.going) < self.width:
                    ready.register(self._start(batch, waiting.popleft()), selectors.EVENT_READ)
                self._gather(batch, ready)
        return batch.replies

    def _gather(self, batch: Batch, ready: selectors.PollSelector) -> None:
        """Wait for the next to tell something or to be late. (A function of its own: no fork finds what it held.)"""
        first = min(one.deadline for one in batch.going.values())
        heard = {key.fd for key, _ in ready.select(max(0.0, first - time.monotonic()))}
        for fd, one in list(batch.going.items()):
            found = self._hear(fd, one, fd in heard, batch.seconds)
            if found is not None:
                batch.replies[one.index] = found
                del batch.going[fd]
                ready.unregister(fd)
                os.close(fd)

    def _start(self, batch: Batch, index: int) -> int:
        listening, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            closed = (*self.closed, *batch.going, listening)
            self._inside(batch.alone(index), telling, closed)
        os.close(telling)
        batch.going[listening] = Going(index, pid, time.monotonic() + batch.seconds)
        return listening

    def _inside(self, piece: str, telling: int, closed: tuple[int, ...]) -> NoReturn:
        """In the new process: raise the walls, do the work, tell, end. Nothing that is left behind is run."""
        try:
            for fd in closed:
                os.close(fd)
            os.dup2(0, 2)  # what is printed inside is nobody's
            try:
                walls.raise_inner(self.rules, **self.inner)
                reply = self.work(json.loads(piece)) if piece else {"ready": True}
            except walls.WallMissing as error:
                reply = {"missing": str(error)}
            rest = memoryview(json.dumps(reply).encode())
            while rest:
                rest = rest[os.write(telling, rest) :]
        finally:
            os._exit(0)

    def _hear(self, fd: int, one: Going, ready: bool, seconds: float) -> str | None:
        """The reply of a process that has told all, or has to be stopped; it is ended either way."""
        chunk = os.read(fd, 1 << 16) if ready else b""
        one.reply += chunk
        late = time.monotonic() >= one.deadline
        much = len(one.reply) > self.reply_bytes
        if not much and not late and (chunk or not ready):
            return None
        status = _end(one.pid)
        if much:
            return _error(f"too big: its result is longer than {self.reply_bytes:,} bytes")
        if chunk or not ready:
            return _error(f"too slow: it took longer than {seconds:.3g} s and was stopped")
        return one.reply.decode(errors="replace") if one.reply else _error(_ended(status))


def _error(why: str) -> str:
    return json.dumps({"error": why})


def _end(pid: int) -> int:
    """Kill a process, if it still is, and say how it ended."""
    os.kill(pid, signal.SIGKILL)  # it is ours until it is waited for, so this number is no other's
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _ended(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "too slow: it used up its processor time and was stopped"
    return f"its process ended with signal {signal.Signals(-code).name}" if code < 0 else "it ended without a result"


def main() -> None:
    """Serve until the lab closes the pipe."""
    requests, results = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    with contextlib.suppress(EOFError):
        setup = wire.receive(requests)
        reply, forker = _begun(setup, (requests, results))
        wire.send(results, {"nonce": setup["nonce"], **reply})
        while forker is not None:
            request = wire.receive(requests)
            wire.send(results, {"nonce": request["nonce"], "values": forker.run(**request["arguments"])})
    os._exit(0)


def _begun(setup: dict[str, Any], ends: tuple[int, ...]) -> tuple[dict[str, Any], Forker | None]:
    """The first walls, the work's libraries, and a first process that says whether the other walls can be raised."""
    module = drivers.work_of(setup["name"])
    try:
        ground = walls.Ground(Path(setup["links"]), setup["directories"])
        rules = walls.raise_outer(ground, setup["walls"]["unwalled"], setup["walls"]["duckdb"])
    except walls.WallMissing as error:
        return {"unavailable": str(error)}, None
    work = drivers.prepared(setup["name"], module)
    width = min(8, len(os.sched_getaffinity(0)))
    forker = Forker(work, rules, setup["walls"], ends, setup["reply_bytes"], width)
    tried = json.loads(forker.run([""], 10.0, [])[0])
    if "ready" not in tried:
        return {"unavailable": str(tried.get("missing", tried.get("error")))}, None
    return tried, forker
