"""The heart of a run: says every two seconds that its worker lives, however long a step takes."""

import logging
from threading import Event as Flag
from threading import Thread
from types import TracebackType

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from labapp.runs.models import Run
from workers.door.ledger import RunLedger

logger = logging.getLogger("merit.door")

BEAT = 2.0  # seconds


class Heart:
    """`with Heart(ledger): ...` beats while the block runs, and tells the ledger when the attempt was replaced."""

    def __init__(self, ledger: RunLedger, every: float = BEAT) -> None:
        self._ledger, self._every, self._over = ledger, every, Flag()
        self._thread = Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        run = self._ledger.run
        mine = Run.objects.filter(pk=run.pk, attempt=run.attempt, state__in=("running", "stopping"))
        while not self._over.wait(self._every):
            try:
                if not mine.update(beat=Now()):
                    self._ledger.replaced.set()
                    break
            except DatabaseError as error:
                logger.warning("the heart of run %s could not beat: %s", run.pk, error)
            finally:
                connection.close()  # this thread's own; kept open it would be one idle connection a run
