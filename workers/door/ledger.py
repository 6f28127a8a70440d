"""The ledger of a run that a worker holds: events to rows in one transaction, files to storage, whole or not at all."""

import logging
import time
from pathlib import Path, PurePosixPath
from threading import Event as Flag
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from labapp.runs import bell, files
from labapp.runs.models import Run
from workers.contract.errors import Replaced, Stopped
from workers.contract.events import Event
from workers.door.index import index_rows
from workers.door.plain import plain
from workers.door.rows import Told, store

logger = logging.getLogger("merit.door")

PATIENCE = 30.0  # seconds that a worker waits for a database that is being restarted


class RunLedger:
    """The `Ledger` of one attempt at a run.

    `replaced` is set by whoever notices that the attempt is over (the heart does); `closing` when the worker is being
    shut down: the engine is then told to stop as if a person had asked, and the door gives the run back.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.replaced, self.closing = run, Flag(), Flag()
        self._contents: dict[str, bytes] = {}

    def write(self, events: list[Event]) -> None:
        """Store the events in order, in one transaction, and ring the bell; see `Ledger.write`.

        A database that is away is waited for, up to PATIENCE; then the error goes up.
        """
        self._check()
        told = [(event, plain(event.data)) for event in events]
        index = [row for event in events if event.kind == "rollouts" for row in self._index(event.data["file"])]
        state = self._store(told, index)
        bell.ring(self.run.pk)
        if state == "stopping" or self.closing.is_set():
            raise Stopped

    def save(self, name: str, content: bytes) -> str:
        """Store a file of the run under the relative `name`, whole or not at all; the stored name is returned."""
        self._check()
        path = PurePosixPath(name)
        assert not path.is_absolute(), f"{name!r} is no name within the run's folder"
        assert ".." not in path.parts, f"{name!r} leads out of the run's folder"
        stored = files.save(f"{files.folder(self.run.pk)}/{path}", content)
        if name.endswith(".parquet"):
            self._contents = {stored: content}  # its `rollouts` event comes next and would have to read it back
        return stored

    def checkpoints(self) -> str:
        """The local directory of the run's checkpoints, made when it is not there."""
        place = files.checkpoint_directory(self.run.pk)
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def _check(self) -> None:
        if self.replaced.is_set():
            raise Replaced

    def _index(self, file: str) -> list[dict[str, Any]]:
        content = self._contents.pop(file, None)
        return index_rows(files.read(file) if content is None else content, file)

    def _store(self, told: Told, index: list[dict[str, Any]]) -> str:
        """The state of the run after its events were stored. Raises Replaced."""
        saved = any(event.kind == "checkpoint" for event, _ in told)
        kept = [path.name for path in Path(self.checkpoints()).iterdir()] if saved else []
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return store(self.run, told, index, kept)
            except Replaced:
                self.replaced.set()
                raise
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > deadline:
                    raise
                logger.warning("run %s waits for the database: %s", self.run.pk, error)
                connection.close()
                time.sleep(0.5)
