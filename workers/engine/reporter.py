"""Progress of long work between the steps, told at most twice a second."""

import time
from dataclasses import dataclass, field

from workers.contract.errors import Stopped
from workers.contract.events import Event, Ledger

PAUSE = 0.5  # seconds


@dataclass
class Reporter:
    """Tells a ledger how far a phase is. A request to stop that comes meanwhile is kept in `stopped`, so that the step
    in hand ends as a whole; whoever finishes the step looks at it."""

    ledger: Ledger
    step: int = 0
    stopped: bool = False
    _phase: str = ""
    _started: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def progress(self, phase: str, done: int, total: int) -> None:
        """`done` of `total` of a phase; `rate` is per second since the phase began."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._started, self._told = phase, now, 0.0
        if done < total and now - self._told < PAUSE:
            return
        self._told = now
        passed = now - self._started
        rate = done / passed if passed > 0 else 0.0
        self.tell([Event(self.step, "progress", {"phase": phase, "done": done, "total": total, "rate": rate})])

    def tell(self, events: list[Event]) -> None:
        """Write events without being stopped by it."""
        try:
            self.ledger.write(events)
        except Stopped:
            self.stopped = True
