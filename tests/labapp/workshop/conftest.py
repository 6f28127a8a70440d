"""Uploads and confirmed data sets for the tests of the workshop's rooms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

if TYPE_CHECKING:
    from labapp.workshop.models import DataVersion

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data"


class Confirm(Protocol):
    """Upload rows as a person does and confirm the guessed columns."""

    def __call__(self, client: Client, rows: list[dict[str, Any]], name: str = "sums.jsonl") -> DataVersion:
        """The confirmed version."""


RECORDED = [
    {"question": f"{n}+{n}", "answer": str(2 * n), "a": {"solution": f"it is {2 * n}", "is_correct": True},
     "b": {"solution": f"it is {2 * n + 1}", "is_correct": False}}
    for n in range(1, 11)
]  # fmt: skip
QuickWorker = Callable[[Callable[..., Any]], SimpleNamespace]


@pytest.fixture
def quick_worker(monkeypatch: pytest.MonkeyPatch, servers: Any) -> QuickWorker:
    """Makes a queue whose task runs here when its result is asked for; `sent` lists what was sent to it."""
    from django.core.cache import cache

    from labapp.celery_app import app

    def doing(task: Callable[..., Any]) -> SimpleNamespace:
        sent: list[Any] = []
        made: dict[str, Any] = {}

        def send_task(name: str, args: Any, queue: str, **options: Any) -> SimpleNamespace:
            sent.append((name, queue, args))
            number = str(uuid4())
            made[number] = json.loads(json.dumps(args))
            return SimpleNamespace(id=number)

        def result(number: str) -> SimpleNamespace:
            return SimpleNamespace(state="SUCCESS", result=json.loads(json.dumps(task(*made[number]))))

        cache.clear()
        monkeypatch.setattr(app, "send_task", send_task)
        monkeypatch.setattr(app, "AsyncResult", result)
        return SimpleNamespace(sent=sent)

    return doing


def lines(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSONL."""
    return "\n".join(json.dumps(row) for row in rows).encode()


def send(client: Client, content: bytes, name: str = "sums.jsonl", address: str = "/data/upload/") -> Any:
    """The answer to an upload."""
    return client.post(address, {"file": SimpleUploadedFile(name, content)})


@pytest.fixture
def confirm() -> Confirm:
    """See `Confirm`."""
    from labapp.workshop import column_form, prepared, uploads
    from labapp.workshop.models import DataVersion

    def made(client: Client, rows: list[dict[str, Any]], name: str = "sums.jsonl") -> DataVersion:
        response = send(client, lines(rows), name)
        assert response.status_code == 302, response.content.decode()
        version = DataVersion.objects.latest("pk")
        guess = prepared.starting_map(version, uploads.sample(version).table)
        fields = column_form.fields_of(guess) | {"kind": version.dataset.kind, "do": "confirm"}
        assert client.post(response.url, fields).status_code == 302
        version.refresh_from_db()
        return version

    return made


@pytest.fixture
def real() -> Any:
    """The bytes of a public data set; the test is skipped where it is not there."""

    def read(name: str) -> bytes:
        if not (REAL / name).exists():
            pytest.skip(f"the public data set {name} is not at {REAL}")
        return (REAL / name).read_bytes()

    return read


@pytest.fixture
def recorded(alice_client: Client, confirm: Confirm) -> DataVersion:
    """Ten sums with a right and a wrong completion each."""
    from django.core.cache import cache

    cache.clear()
    return confirm(alice_client, RECORDED)
