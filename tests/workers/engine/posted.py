"""Posts to an address, and names that mean what a test says."""

import socket
from typing import Any

import pytest

from workers.engine.posting import Posting

LOOKED_UP = socket.getaddrinfo


def post(url: str) -> tuple[Any, str]:
    posting = Posting(2.0, pause=0.01)
    found = posting(url, {"query": ["x"]})
    posting.close()
    return found


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let a name mean these addresses, one after the other each time that it is looked up."""
    left = list(answers)

    def looked_up(host: Any, *given: Any, **named: Any) -> Any:
        if host == "judge.test":
            host = left.pop(0) if len(left) > 1 else left[0]
        return LOOKED_UP(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
