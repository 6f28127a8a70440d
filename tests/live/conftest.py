"""Sockets into the real ASGI application, a run to look at, and a writer of its events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run


class Socket:
    """The server's side of a websocket, by the messages of ASGI."""

    def __init__(self, application: Any, scope: dict[str, Any]) -> None:
        communicator: Any = ApplicationCommunicator
        self.scope, self.application = scope, communicator(application, scope)

    async def connect(self) -> bool:
        """Whether the application accepts."""
        await self.application.send_input({"type": "websocket.connect"})
        return bool((await self.application.receive_output(timeout=5))["type"] == "websocket.accept")

    async def text(self, timeout: float) -> str:
        """The next text frame."""
        message = await self.application.receive_output(timeout=timeout)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def disconnect(self) -> None:
        """The browser goes away."""
        await self.application.send_input({"type": "websocket.disconnect", "code": 1006})
        await self.application.wait(timeout=5)


class Browser:
    """One socket of a run's page: it keeps the last number and drops what it has seen, as the page's script does."""

    def __init__(self, socket: Socket, seq: int) -> None:
        self.socket, self.seq = socket, seq
        self.snapshot: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.viewers = 0

    async def hear(self, timeout: float = 5) -> dict[str, Any]:
        """Take one frame in."""
        frame: dict[str, Any] = json.loads(await self.socket.text(timeout))
        if frame["type"] == "snapshot":
            self.snapshot, self.seq = frame, frame["view"]["seq"]
        elif frame["type"] == "viewers":
            self.viewers = frame["count"]
        else:
            for event in frame["events"]:
                if event["seq"] > self.seq:
                    assert event["seq"] == self.seq + 1, "a gap in the numbers"
                    self.events.append(event)
                    self.seq = event["seq"]
            assert frame["last_seq"] == frame["events"][-1]["seq"]
        return frame

    async def until(self, seq: int, timeout: float = 10) -> None:
        """Take frames in until event `seq` has come."""
        async with asyncio.timeout(timeout):
            while self.seq < seq:
                await self.hear()

    async def settle(self) -> None:
        """Take in whatever comes until it is quiet for a while."""
        while not await self.socket.application.receive_nothing(timeout=0.3, interval=0.05):
            await self.hear()


def socket(run_id: object, user: User | None, after: int | str | None = None) -> Socket:
    """A socket of the application for the run's page in `user`'s browser; not yet connected."""
    from labapp.asgi import application

    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    if user is not None:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    query = "" if after is None else f"after={after}"
    scope = {
        "type": "websocket", "path": f"/ws/runs/{run_id}/", "query_string": query.encode(), "headers": headers,
        "subprotocols": [],
    }  # fmt: skip
    return Socket(application, scope)


@asynccontextmanager
async def browsing(run_id: object, user: User, after: int | None = None) -> AsyncIterator[Browser]:
    """A connected browser."""
    opened = await database_sync_to_async(socket)(run_id, user, after)
    assert await opened.connect()
    try:
        yield Browser(opened, after or 0)
    finally:
        await opened.disconnect()


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what reads or writes the database as another process would: in a thread and a connection of its own."""
    return await database_sync_to_async(function, thread_sensitive=False)(*arguments)


@pytest.fixture
def team(transactional_db: None) -> Team:
    """The team of Alice, Bob and Vera."""
    from labapp.accounts.models import Team

    return Team.objects.create(name="Lab", slug="lab")


@pytest.fixture
def people(team: Team) -> dict[str, User]:
    """An owner, a member, a viewer, and an outsider with a team of her own."""
    from labapp.accounts.models import Membership, Team, User

    made = {}
    elsewhere = Team.objects.create(name="Elsewhere", slug="elsewhere")
    for name, where, role in (
        ("alice", team, "owner"), ("bob", team, "member"), ("vera", team, "viewer"), ("charlie", elsewhere, "owner"),
    ):  # fmt: skip
        made[name] = User.objects.create_user(f"{name}@example.org", name=name)
        Membership.objects.create(user=made[name], team=where, role=role)
    return made


@pytest.fixture
def run(team: Team, people: dict[str, User]) -> Run:
    """A run of Alice's that a worker has just taken: three events."""
    from labapp.runs import launch, moves

    made = launch.create(team, people["alice"], {"name": "first", "budget": {"steps": 9}}, "Sums")
    moves.move(made.pk, ("draft",), "queued")
    taken = launch.take(made.pk, "host:1")
    assert taken is not None
    return taken
