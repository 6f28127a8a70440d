"""The socket of a run's page: a snapshot or the events after the browser's number, then whatever comes."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from labapp.accounts import access
from labapp.runs import feed
from labapp.runs.hub import Room, hub
from labapp.runs.models import Run

logger = logging.getLogger("merit.feed")

RECHECK = 30.0  # seconds after which the right to look is asked again
NO_LONGER, TRY_AGAIN = 4403, 1011  # close codes


class RunFeed(AsyncWebsocketConsumer):
    """One viewer of one run. Refused at the handshake for whoever may not see the run."""

    channel_layer_alias = ""  # the hub listens for all viewers; a subscription of each one's own would be waste

    async def connect(self) -> None:
        """Check rights, then serve until the browser leaves."""
        self.serving: asyncio.Task[None] | None = None
        run_id: UUID = self.scope["url_route"]["kwargs"]["run_id"]
        found = await _look(run_id, self.scope["user"])
        if found is None:
            await self.close()
            return
        await self.accept()
        self.serving = asyncio.create_task(self._serve(*found))

    async def disconnect(self, code: int) -> None:
        """Stop serving."""
        if self.serving is not None:
            self.serving.cancel()
            with suppress(asyncio.CancelledError):
                await self.serving

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A browser that heard nothing for a while asks whether the line still stands; all else is left unread."""
        if text_data == "ping":
            await self.send(text_data='{"type": "pong"}')

    async def _serve(self, run: Run, role: str) -> None:
        awake = asyncio.Event()
        # Enter the room before reading: what happens between the read and the first wait then wakes us.
        room = hub().enter(run.pk, run.last_seq, awake)
        try:
            await self._follow(room, awake, run, role)
        except DatabaseError as error:
            logger.warning("a viewer of run %s has to come back: %s", run.pk, error)
            await self.close(TRY_AGAIN)
        finally:
            hub().leave(room, awake)

    async def _follow(self, room: Room, awake: asyncio.Event, run: Run, role: str) -> None:
        seq, told = _asked_after(self.scope), 0
        if not 0 < seq <= run.last_seq:
            seq, view = await room.snapshot()
            header = await database_sync_to_async(feed.header, thread_sensitive=False)(run, role)
            # The view is the same text for everyone, the header says what this person may do.
            await self.send(text_data=f'{{"type": "snapshot", "view": {view}, "header": {json.dumps(header)}}}')
        checked = asyncio.get_running_loop().time()
        while True:
            if told != len(room.viewers):
                told = len(room.viewers)
                await self.send(text_data=json.dumps({"type": "viewers", "count": told}))
            while seq < room.seq:
                frame = await room.frame_after(seq)
                assert frame is not None, "a room's number is one that its run has reached"
                await self.send(text_data=frame.text)
                seq = frame.last
            if room.broken:
                await self.close(TRY_AGAIN)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(RECHECK):
                    await awake.wait()
            awake.clear()
            if asyncio.get_running_loop().time() - checked > RECHECK:
                checked = asyncio.get_running_loop().time()
                if await _look(run.pk, self.scope["user"]) is None:
                    await self.close(NO_LONGER)
                    return


@database_sync_to_async
def _look(run_id: UUID, user: AbstractBaseUser | AnonymousUser | None) -> tuple[Run, str] | None:
    """The run as it is now and the user's role in its team; None for whoever may not see it."""
    run = Run.objects.filter(pk=run_id, deleted=None).select_related("team", "owner", "experiment").first()
    role = None if run is None or user is None else access.role_of(user, run.team)
    if run is None or role is None or "see" not in access.ALLOWS[role]:
        return None
    return run, role


def _asked_after(scope: Mapping[str, Any]) -> int:
    """The number after which the browser asks for events; 0 when it says none, or nonsense."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("after", ["0"])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
