"""The outside of a crew: pieces of work go in, one reply each comes out, whatever becomes of the others."""

import json
from collections.abc import Sequence
from typing import Any, Literal, Self

from workers.contract.errors import RunError
from workers.contract.rewardcode import Signature
from workers.sandbox import wire
from workers.sandbox.process import CREW, Child
from workers.sandbox.records import Limits, SandboxFault, SandboxUnavailable

Kind = Literal["sqlite", "duckdb", "programs", "libraries"]
TOGETHER = 32  # pieces of one message: their replies all fit into one
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=30, reply_bytes=TOGETHER * (Limits.piece_bytes + 4096))
TOO_LARGE = {"error": f"too big: it has more than {wire.LARGEST >> 20} MiB"}
SPARE = 5.0  # seconds for what is not the work itself


class Crew:
    """Works on pieces, each in a process of its own inside the walls. A context manager; belongs to one thread.

    The forker starts at the first call. SandboxUnavailable: there are no walls here.
    """

    def __init__(self, kind: Kind, limits: Limits = LIMITS) -> None:
        self.kind = kind
        self.limits = limits
        self._child: Child | None = None
        self._unavailable: SandboxUnavailable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the forker and all that it forked; a later call starts another."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def run(
        self, pieces: Sequence[dict[str, Any]], seconds: float, libraries: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """One reply a piece, each within `seconds`; {"error": why} where there is none. `libraries`: those allowed ones
        that pieces will import. RunError: the crew fails."""
        replies: list[dict[str, Any]] = []
        for start in range(0, len(pieces), TOGETHER):
            some = [json.dumps(piece).encode() for piece in pieces[start : start + TOGETHER]]
            well = [len(piece) <= wire.LARGEST for piece in some]
            some = [piece if small else b"" for piece, small in zip(some, well, strict=True)]
            asked = {"sizes": [len(piece) for piece in some], "seconds": seconds, "libraries": list(libraries)}
            found = self._call(asked, len(some) * seconds + SPARE, b"".join(some))
            if len(found) != len(some):
                raise RunError("sandbox", f"the sandbox did not give {len(some)} replies")
            replies += [_read(each) if small else TOO_LARGE for each, small in zip(found, well, strict=True)]
        return replies

    def _call(self, arguments: dict[str, Any], seconds: float, pieces: bytes) -> list[Any]:
        try:
            return self._warm().work(arguments, seconds, pieces)
        except SandboxFault:
            self.close()  # it runs none of the code itself: it was ended from outside, with the thread that began it
            return self._warm().work(arguments, seconds, pieces)

    def _warm(self) -> Child:
        if self._unavailable is not None:  # walls do not grow; whoever asks again is not kept waiting
            raise self._unavailable
        if self._child is None or not self._child.alive:
            try:
                self._child = Child("", Signature(self.kind, 0, (), (), False, False), self.limits, CREW)
            except SandboxUnavailable as missing:
                self._unavailable = missing
                raise
        return self._child


def _read(reply: Any) -> dict[str, Any]:
    """What a process wrote, which may be anything, or why it wrote nothing."""
    if isinstance(reply, dict):
        return reply
    try:
        found = json.loads(reply)
    except (ValueError, TypeError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"error": "it ended without a result that can be read"}
