"""One read and one encoding for all viewers of a run.

A web process has one hub, the hub a room for each run that somebody looks at, and the room one subscription to the
run's bell. On a bell, or once a second, the room reads the rows after its number once, makes one frame of them, and
wakes its viewers; each of them sends the same text at its own pace. A viewer that is slow, or comes late, holds no
queue: it gets the kept frame after its number, or one that is read again from the rows and merges what it missed.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from labapp.runs import bell, feed
from workers.contract.fold import fold

logger = logging.getLogger("merit.feed")

TICK = 1.0  # seconds after which rows are read although no bell rang: the price of a lost bell
RATE, BURST = 10.0, 3.0  # frames a second of one run, and how many may follow each other at once
KEPT = 32  # frames that a room keeps for viewers a little behind


@dataclass(frozen=True)
class Frame:
    """The events with numbers above `after`, up to `last`, as the text that is sent."""

    after: int
    last: int
    text: str


class Room:
    """What the viewers of one run share. Use it through `Hub.enter` and `Hub.leave`."""

    def __init__(self, run_id: UUID, seq: int) -> None:
        self.run_id, self.seq = run_id, seq
        self.viewers: set[asyncio.Event] = set()
        self.broken = False
        self._bell = asyncio.Event()
        self._lock = asyncio.Lock()
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._view: dict[str, Any] | None = None
        self._snapshot = ""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def snapshot(self) -> tuple[int, str]:
        """The number of the last event in the fold of this run's events, and the fold as JSON. Made once a number."""
        async with self._lock:
            before = None if self._view is None else self._view["seq"]
            if self._view is None:
                self._view = await _read(feed.view, self.run_id)
            while self._view["seq"] < self.seq:
                fold(self._view, await _read(feed.after, self.run_id, self._view["seq"]))
            if before != self._view["seq"] or not self._snapshot:
                self._snapshot = await asyncio.to_thread(json.dumps, self._view)
            return self._view["seq"], self._snapshot

    async def frame_after(self, seq: int) -> Frame | None:
        """The frame with the events that follow number `seq`; None when there are none."""
        async with self._lock:  # of viewers that ask for the same one at once, the first reads
            return self._kept(seq) or await self._make(seq)

    def close(self) -> None:
        """End the room's tasks; the subscription ends with them."""
        for task in self._tasks:
            task.cancel()

    def wake(self) -> None:
        """Let every viewer look whether there is something to send."""
        for viewer in self.viewers:
            viewer.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A room that no longer looks sends its viewers away: they come back, to a room that does."""
        if not task.cancelled() and task.exception() is not None:
            logger.error("the feed of run %s broke", self.run_id, exc_info=task.exception())
            self.broken = True
            self.wake()

    def _kept(self, seq: int) -> Frame | None:
        exact = self._frames.get(seq)
        return exact or next((frame for frame in self._frames.values() if frame.after <= seq < frame.last), None)

    async def _make(self, seq: int) -> Frame | None:
        events = await _read(feed.after, self.run_id, seq)
        if not events:
            return None
        last = events[-1]["seq"]
        text = json.dumps({"type": "events", "events": events, "last_seq": last})
        self._frames[seq] = frame = Frame(seq, last, text)
        if len(self._frames) > KEPT:
            self._frames.popitem(last=False)
        return frame

    async def _look(self) -> None:
        """Read after each bell and each tick, but never more often than RATE."""
        pace = Pace(RATE, BURST)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._bell.wait()
            await pace.wait()
            self._bell.clear()
            try:
                async with self._lock:
                    frame = await self._make(self.seq)
            except DatabaseError as error:
                logger.warning("the feed of run %s waits for the database: %s", self.run_id, error)
                continue
            if frame is not None:
                pace.spend()
                self.seq = frame.last
                self._bell.set()  # more rows than one frame holds, or rows that came meanwhile, go at once
                self.wake()

    async def _listen(self) -> None:
        """Hear the bell; while Redis is away the tick does."""
        layer = get_channel_layer()
        assert layer is not None, "CHANNEL_LAYERS names a layer"
        while True:
            try:
                channel = await layer.new_channel()
                try:
                    await layer.group_add(bell.group(self.run_id), channel)
                    while True:
                        await layer.receive(channel)
                        self._bell.set()
                finally:
                    await layer.group_discard(bell.group(self.run_id), channel)
            except (RedisError, OSError) as error:
                logger.warning("run %s is read once a second while Redis is away: %s", self.run_id, error)
                await asyncio.sleep(TICK)


class Pace:
    """Lets `rate` frames a second pass, and a few more after a quiet time."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.credit, self.at = burst, asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Return when the next frame may go."""
        self._earn()
        if self.credit < 1:
            await asyncio.sleep((1 - self.credit) / self.rate)
            self._earn()

    def spend(self) -> None:
        """A frame went."""
        self.credit -= 1

    def _earn(self) -> None:
        now = asyncio.get_running_loop().time()
        self.credit, self.at = min(self.burst, self.credit + (now - self.at) * self.rate), now


class Hub:
    """The rooms of one event loop."""

    def __init__(self) -> None:
        self.rooms: dict[UUID, Room] = {}

    def enter(self, run_id: UUID, seq: int, viewer: asyncio.Event) -> Room:
        """The room of a run, with `viewer` in it; `seq` is a number that the run is known to have reached."""
        room = self.rooms.get(run_id)
        if room is None or room.broken:
            room = self.rooms[run_id] = Room(run_id, seq)
        room.viewers.add(viewer)
        room.wake()
        return room

    def leave(self, room: Room, viewer: asyncio.Event) -> None:
        """Take the viewer out; the last one closes the room."""
        room.viewers.discard(viewer)
        room.wake()
        if not room.viewers and self.rooms.get(room.run_id) is room:
            del self.rooms[room.run_id]
            room.close()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def _read(function: Any, *arguments: Any) -> Any:
    """Call a function that reads the database, in a thread of its own: one slow read must not hold up other runs."""
    return await database_sync_to_async(function, thread_sensitive=False)(*arguments)
