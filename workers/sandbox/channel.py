"""The pipes to one child: a message out, its reply back before a deadline, what is printed meanwhile kept, bounded."""

import os
import secrets
import selectors
import subprocess
import time
from typing import Any

from workers.sandbox import wire
from workers.sandbox.records import Limits

KEPT_OUTPUT = 20_000  # bytes of what was printed that are kept


class Overdue(Exception):
    """No reply before the deadline."""


class Closed(Exception):
    """The child closed its end, most likely by ending."""


class Misused(Exception):
    """The code printed too much, answered too much, or wrote something else than its reply."""


class Channel:
    """The lab's ends of a child's pipes. After any of the three exceptions it is of no further use."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.limits = limits
        self.output = bytearray()
        self.after = bytearray()
        pipes = (process.stdin, process.stdout, process.stderr)
        self._requests, self._results, self._prints = [pipe.fileno() for pipe in pipes if pipe is not None]
        for pipe in (self._requests, self._results, self._prints):
            os.set_blocking(pipe, False)

    def exchange(self, message: dict[str, Any], seconds: float, pieces: bytes | None = None) -> dict[str, Any]:
        """Send a message under a number that nobody can guess, and wait for the reply that carries it. With a crew's
        `pieces` behind the message, what is behind the reply is in `after`."""
        deadline = time.monotonic() + seconds
        nonce = secrets.token_hex(16)
        outgoing = memoryview(wire.pack({"nonce": nonce, **message}) + (pieces or b""))
        incoming = bytearray()
        heard = 0
        with selectors.DefaultSelector() as ready:
            ready.register(self._requests, selectors.EVENT_WRITE)
            ready.register(self._results, selectors.EVENT_READ)
            ready.register(self._prints, selectors.EVENT_READ)
            found = None  # the reply, where it ends, and where what follows it does
            while found is None or len(incoming) < found[2]:
                events = ready.select(max(0.0, deadline - time.monotonic()))
                if time.monotonic() >= deadline:
                    raise Overdue
                for fd in [key.fd for key, _ in events]:
                    if fd == self._results:
                        incoming += self._more()
                    elif fd == self._requests:
                        outgoing = self._write(outgoing)
                        if not outgoing:
                            ready.unregister(fd)
                    else:
                        size = len(self.listen())
                        heard += size
                        if size == 0:
                            ready.unregister(fd)
                found = found or self._complete(incoming, nonce, pieces is not None)
                if heard > self.limits.output_bytes:
                    raise Misused(f"too loud: it printed more than {self.limits.output_bytes:,} bytes in one call")
        self.listen()
        self.after = incoming[found[1] :]
        return found[0]

    def listen(self) -> bytes:
        """What was printed and not yet read; empty at the end, and where there is nothing yet."""
        try:
            chunk = os.read(self._prints, 1 << 16)
        except BlockingIOError:
            return b""
        self.output += chunk[: max(0, KEPT_OUTPUT - len(self.output))]
        return chunk

    def _more(self) -> bytes:
        chunk = os.read(self._results, 1 << 16)
        if not chunk:
            raise Closed
        return chunk

    def _write(self, outgoing: memoryview) -> memoryview:
        try:
            return outgoing[os.write(self._requests, outgoing) :]
        except BrokenPipeError:
            return outgoing[len(outgoing) :]  # it has gone; the closed result channel says so

    def _complete(self, incoming: bytearray, nonce: str, followed: bool) -> tuple[dict[str, Any], int, int] | None:
        """The reply once it is whole. Whatever else is on the channel was put there by the code: it writes past our
        sender, or answers for a call that it has not been given."""
        if len(incoming) < wire.LENGTH.size:
            return None
        (size,) = wire.LENGTH.unpack_from(incoming)
        if size > self.limits.reply_bytes:
            raise Misused(f"too big: its result is longer than {self.limits.reply_bytes:,} bytes")
        if len(incoming) < wire.LENGTH.size + size:
            return None
        end = wire.LENGTH.size + size if followed else len(incoming)
        try:
            reply = wire.unpack(bytes(incoming[:end]))
        except (ValueError, RecursionError):
            reply = {}
        if reply.get("nonce") != nonce or not reply.keys() & {"ready", "unavailable", "values", "fault"}:
            raise Misused("it wrote into the channel of its results")
        sizes = reply.get("values") if followed else None
        behind = sum(each for each in sizes if isinstance(each, int)) if isinstance(sizes, list) else 0
        return reply, end, end + behind
