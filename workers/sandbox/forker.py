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
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

from workers.sandbox import drivers, landlock, walls, wire
from workers.sandbox.apart import Apart
from workers.sandbox.drivers import Work

READ = 1 << 16  # bytes at a time


@dataclass
class Going:
    """A process at work on the piece `index`, to be killed at `deadline`; how long its reply is so far."""

    index: int
    pid: int
    deadline: float
    size: int = 0


@dataclass
class Batch:
    """Pieces, which lie one after the other in `told`, and how long each reply in `heard` is, or why there is none; the
    processes at work on them by the descriptor that each is heard on."""

    ends: list[int]
    seconds: float
    told: Apart
    heard: Apart
    replies: list[int | dict[str, str]]
    going: dict[int, Going] = field(default_factory=dict)


@dataclass(frozen=True)
class Forker:
    """Forks for each piece, `width` at a time. `work` does a piece; `rules` and `inner` are its walls; `closed` the
    descriptors that it must not have; `given` the memory in which it finds its piece."""

    work: Work
    rules: list[landlock.Ruleset]
    inner: dict[str, Any]
    closed: tuple[int, ...]
    reply_bytes: int
    width: int
    given: Apart

    def serve(self, requests: int, results: int, request: dict[str, Any]) -> None:
        """Read the pieces of a request, do them, and tell the replies."""
        sizes = request["arguments"]["sizes"]
        told, heard = Apart(sum(sizes)), Apart(len(sizes) * self._room)
        told.fill(requests, sum(sizes))
        drivers.get_ready(request["arguments"]["libraries"])
        batch = Batch([0, *accumulate(sizes)], request["arguments"]["seconds"], told, heard, [0] * len(sizes))
        self.run(batch)
        wire.send(results, {"nonce": request["nonce"], "values": batch.replies})
        for index, size in enumerate(batch.replies):
            if isinstance(size, int):
                heard.write(results, index * self._room, index * self._room + size)

    def run(self, batch: Batch) -> None:
        """Have each piece done: its reply is what `work` gave, or {"error": why there is nothing}."""
        waiting = deque(range(len(batch.replies)))
        # Not epoll: what is forked would share its descriptor, and could make us deaf to the others.
        with selectors.PollSelector() as ready:
            while waiting or batch.going:
                while waiting and len(batch.going) < self.width:
                    ready.register(self._start(batch, waiting.popleft()), selectors.EVENT_READ)
                self._gather(batch, ready)

    @property
    def _room(self) -> int:
        return self.reply_bytes + READ

    def _gather(self, batch: Batch, ready: selectors.PollSelector) -> None:
        """Wait for the next to tell something or to be late."""
        first = min(one.deadline for one in batch.going.values())
        heard = {key.fd for key, _ in ready.select(max(0.0, first - time.monotonic()))}
        for fd, one in list(batch.going.items()):
            found = self._hear(fd, one, fd in heard, batch)
            if found is not None:
                batch.replies[one.index] = found
                del batch.going[fd]
                ready.unregister(fd)
                os.close(fd)

    def _start(self, batch: Batch, index: int) -> int:
        start, end = batch.ends[index : index + 2]
        self.given.view[: end - start] = batch.told.view[start:end]
        listening, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._inside(end - start, telling, (*self.closed, *batch.going, listening))
        self.given.wipe()
        os.close(telling)
        batch.going[listening] = Going(index, pid, time.monotonic() + batch.seconds)
        return listening

    def _inside(self, size: int, telling: int, closed: tuple[int, ...]) -> NoReturn:
        """In the new process: raise the walls, do the work, tell, end. Nothing that is left behind is run."""
        try:
            for fd in closed:
                os.close(fd)
            os.dup2(0, 2)  # what is printed inside is nobody's
            try:
                walls.raise_inner(self.rules, **self.inner)
                reply = self.work(json.loads(bytes(self.given.view[:size]))) if size else {"ready": True}
            except walls.WallMissing as error:
                reply = {"missing": str(error)}
            rest = memoryview(json.dumps(reply).encode())
            while rest:
                rest = rest[os.write(telling, rest) :]
        finally:
            os._exit(0)

    def _hear(self, fd: int, one: Going, ready: bool, batch: Batch) -> int | dict[str, str] | None:
        """The reply of a process that has told all, or has to be stopped; it is ended either way."""
        start = one.index * self._room + one.size
        count = batch.heard.read(fd, start, start + READ) if ready else 0
        one.size += count
        late = time.monotonic() >= one.deadline
        much = one.size > self.reply_bytes
        if not much and not late and (count or not ready):
            return None
        status = _end(one.pid)
        if much:
            return {"error": f"too big: its result is longer than {self.reply_bytes:,} bytes"}
        if count or not ready:
            return {"error": f"too slow: it took longer than {batch.seconds:.3g} s and was stopped"}
        return one.size or {"error": _ended(status)}


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
            forker.serve(requests, results, wire.receive(requests))
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
    forker = Forker(work, rules, setup["walls"], ends, setup["reply_bytes"], width, Apart(wire.LARGEST, shown=True))
    first = Batch([0, 0], 10.0, Apart(0), Apart(setup["reply_bytes"] + READ), [0])
    forker.run(first)
    (size,) = first.replies
    tried = json.loads(bytes(first.heard.view[:size])) if isinstance(size, int) else size
    if "ready" not in tried:
        return {"unavailable": str(tried.get("missing", tried.get("error")))}, None
    return tried, forker
