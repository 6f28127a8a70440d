"""What stands in for the workers in tests of runs."""

from typing import Any

import pytest


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], str]]:
    """What workers were asked to do, in place of a broker."""
    from labapp.celery_app import app

    asked: list[tuple[str, list[str], str]] = []

    def send_task(name: str, args: list[str], queue: str, **more: Any) -> None:
        asked.append((name, args, queue))

    monkeypatch.setattr(app, "send_task", send_task)
    return asked
