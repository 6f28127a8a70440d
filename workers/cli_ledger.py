"""The ledger of the command line: events in one file, one JSON object a line, and files beside it in a directory."""

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event
from workers.contract.fold import empty, fold

EVENTS = "events.ndjson"


class DirectoryLedger:
    """Keeps a run in `folder`. `tell` is called with each stored event; Ctrl-C asks the run to stop after its step."""

    def __init__(self, folder: Path, tell: Callable[[dict[str, Any]], None], *, resume: bool = False) -> None:
        self.folder, self.tell = folder, tell
        self.stop_asked = False
        folder.mkdir(parents=True, exist_ok=True)
        self.view = empty()
        if resume:
            fold(self.view, read_events(folder))
        elif (folder / EVENTS).exists():
            raise RunError("storage", f"{folder} holds a run already.", "Add --resume, or choose another directory.")
        self.attempt = self.view["attempt"] + 1

    def write(self, events: list[Event]) -> None:
        """Append the events, force them to the disk, then tell; Stopped when Ctrl-C was pressed."""
        rows = [self._row(event, self.view["seq"] + n) for n, event in enumerate(events, start=1)]
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        fold(self.view, rows)
        for row in rows:
            self.tell(row)
        if self.stop_asked:
            raise Stopped

    def save(self, name: str, content: bytes) -> str:
        """Write a file under `folder`, whole or not at all."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(content)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        return name

    def checkpoints(self) -> str:
        """`folder/checkpoints`."""
        place = self.folder / "checkpoints"
        place.mkdir(exist_ok=True)
        return str(place)

    def state(self, state: str, reason: RunError | None = None) -> None:
        """Record that the run moved."""
        data: dict[str, Any] = {"state": state}
        if reason is not None:
            data["reason"] = {
                "where": reason.where, "what": reason.what, "mend": reason.mend, "evidence": reason.evidence
            }  # fmt: skip
        try:
            self.write([Event(self.view["step"], "state", data)])
        except Stopped:
            return

    def stop_on_interrupt(self) -> None:
        """Let the first Ctrl-C ask for an orderly end; the second one ends at once."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.stop_asked = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        signal.signal(signal.SIGINT, ask)

    def _row(self, event: Event, seq: int) -> dict[str, Any]:
        at = datetime.now(UTC).isoformat()
        return {
            "seq": seq, "attempt": self.attempt, "step": event.step, "kind": event.kind, "data": event.data, "at": at
        }  # fmt: skip


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a run's directory; a last line that a power cut left unfinished is cut off from the file."""
    path = folder / EVENTS
    if not path.exists():
        return []
    whole, mark, rest = path.read_text(encoding="utf-8").rpartition("\n")
    if rest:
        path.write_text(whole + mark, encoding="utf-8")
    return [json.loads(line) for line in whole.split("\n") if line]
