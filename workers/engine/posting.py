"""Completions posted to reward services behind an address."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from workers.engine.patient import PAUSE, Line, Unanswered, nonsense

TIMEOUT = 180.0  # seconds, as OpenRLHF's client waits


def make_service(stack: ExitStack) -> "Posting":
    """See `contract.services.Service`."""
    posting = Posting()
    stack.callback(posting.close)
    return posting


class Posting:
    """Posts one batch at a time; `timeout` in seconds; `pause` shortens waiting in tests."""

    def __init__(self, timeout: float = TIMEOUT, pause: float = PAUSE) -> None:
        self._timeout, self._pause = timeout, pause
        self._lines: dict[str, Line] = {}

    def close(self) -> None:
        """Give the connections back."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def __call__(self, url: str, body: Mapping[str, Any], key_variable: str = "") -> tuple[Mapping[str, Any], str]:
        """The object that came back, and "" – or nothing, and why."""
        try:
            if key_variable not in self._lines:
                self._lines[key_variable] = Line(key_variable, self._timeout, self._pause)
            return self._lines[key_variable].ask(url, dict(body), _object), ""
        except Unanswered as error:
            return {}, f"the service {url} {error}"


def _object(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise nonsense("JSON that is no object")
    if not any(isinstance(each, list) for each in document.values()):
        raise nonsense(f"no list of values, but {', '.join(map(str, document)) or 'nothing'}"[:200])
    return document
