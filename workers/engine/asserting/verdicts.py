"""What came back of a test: whether it passed, and in which words to say that it did not."""

from collections.abc import Callable
from typing import Any

from workers.engine.asserting.binding import NotOutside
from workers.engine.asserting.looks import Asked
from workers.engine.asserting.loops import FAILURES
from workers.engine.asserting.outside import Outside

NOTHING = object()


def passed(result: Any, test: Asked) -> bool:
    """Whether what came back says that the test passed."""
    if not isinstance(result, dict) or result.get("passed") is not True:
        return False
    found = {str(n): value for n, value in enumerate(_answers(result)) if value is not NOTHING}
    try:
        return all(Outside(found).of(check) for check in test.checks)
    except (NotOutside, *FAILURES):
        return False


def value_of(result: Any) -> str:
    """The first answer of a test, in a few letters."""
    first = next(iter(_answers(result)), NOTHING)
    return "something else" if first is NOTHING else f"{first!r:.80}"


def _answers(result: Any) -> list[Any]:
    """What was told of each question; NOTHING where that was nothing, or cannot be read."""
    told = result.get("values") if isinstance(result, dict) else None
    return [_read(each[0]) if isinstance(each, list) and each else NOTHING for each in told or ()]


def _read(value: Any) -> Any:
    try:
        return _of(value)
    except FAILURES:
        return NOTHING


def _of(value: Any) -> Any:
    """A value from what `run_programs` makes of it; every part of it is looked at."""
    if isinstance(value, list):
        return [_of(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, parts),) = value.items()
    return KINDS[kind](parts)


KINDS: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda parts: tuple(map(_of, parts)),
    "set": lambda parts: set(map(_of, parts)),
    "dict": lambda parts: {_of(key): _of(each) for key, each in parts},
    "bytes": bytes.fromhex,
    "complex": lambda parts: complex(*parts),
}
