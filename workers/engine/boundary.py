"""The engine's boundary: the one place where any exception is caught and turned into the vocabulary of `errors.py`."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from workers.contract.errors import Replaced, RunError, Stopped

T = TypeVar("T")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SCARCE_WORDS = ("can't allocate memory", "std::bad_alloc", "CUDA out of memory")
FULL_WORDS = ("No space left on device", "File too large", "Disk quota exceeded")


@contextmanager
def boundary(where: str, what: str = "", **evidence: object) -> Iterator[None]:
    """Whatever goes wrong inside becomes a RunError at `where` (its own place when it already is one).

    `what` introduces the sentence; `evidence` (JSON values) is added. A request to stop passes unchanged.
    """
    try:
        yield
    except (Stopped, Replaced):
        raise
    except RunError as error:
        error.evidence = {**evidence, **error.evidence}
        raise
    except Exception as error:
        raise classified(error, where, what, dict(evidence)) from error


def classified(error: Exception, where: str, what: str, evidence: dict[str, object]) -> RunError:
    """`error` in our words: memory and storage by what they are, everything else at the place where it happened."""
    if is_out_of_memory(error):
        mend = "Take fewer groups a micro-batch, fewer prompts, or shorter completions."
        return RunError("memory", "the memory of the device did not suffice.", mend, evidence)
    if is_disk_full(error):
        place = where if where == "checkpoint" else "storage"
        return RunError(place, "the disk is full.", "Free some space and resume the run.", evidence)
    said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return RunError(where, f"{what}: {said}" if what else said, "", evidence)


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory did not suffice; on the processor torch tells it only in its words."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or (isinstance(error, RuntimeError) and any(words in str(error) for words in SCARCE_WORDS))


def is_disk_full(error: Exception) -> bool:
    """Whether a write failed for lack of room; libraries written in Rust tell it only in their words."""
    number = getattr(error, "errno", None)
    return number in FULL or any(words in str(error) for words in FULL_WORDS)


def attempt(call: Callable[[], T]) -> T | Exception:
    """What `call` returns, or the exception it raised: for judging single answers, where a failure is a value."""
    try:
        return call()
    except Exception as error:
        return error
