"""The door's boundary: however an attempt at a run ends, the run's row says so, in words that a person can act on."""

import logging
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labapp.runs import launch
from workers.contract.errors import Replaced, RunError, Stopped
from workers.contract.spec import SpecError
from workers.door.ledger import RunLedger
from workers.door.plain import plain

logger = logging.getLogger("merit.door")

LONGEST_TRACE = 20_000  # characters of a traceback that are kept, its end


@contextmanager
def boundary(ledger: RunLedger) -> Iterator[None]:
    """Finish, stop, give back or fail the run by how the block ends. Raises nothing of the block's but its exit."""
    run = ledger.run
    try:
        yield
    except Replaced:
        logger.info("attempt %s at run %s was replaced", run.attempt, run.pk)
    except Stopped:
        # Who closes the worker did not ask the run to stop: another worker goes on from the checkpoint.
        launch.put_back(run) if ledger.closing.is_set() else launch.stopped(run)
    except Exception as error:
        logger.exception("run %s failed", run.pk)
        launch.fail(run, reason_of(error))
    else:
        launch.finish(run)


def reason_of(error: Exception) -> dict[str, Any]:
    """`error` as {where, what, mend, evidence}; the traceback is in the evidence, and shown to those with rights."""
    known = _known(error)
    trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
    evidence = {**known.evidence, "traceback": trace}
    reason: dict[str, Any] = plain({"where": known.where, "what": known.what, "mend": known.mend, "evidence": evidence})
    return reason


def _known(error: Exception) -> RunError:
    if isinstance(error, RunError):
        return error
    if isinstance(error, SpecError):
        return RunError("spec", f"{error}.", "Clone the run and mend the field.")
    from workers.engine.boundary import classified  # with torch, whose own memory error it knows

    return classified(error, "worker", "", {})


@contextmanager
def on_shutdown(call: Callable[[], None]) -> Iterator[None]:
    """Call `call` when this process is asked to end (SIGTERM) while the block runs, in place of ending."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: call())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
