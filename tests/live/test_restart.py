"""The web process dies and comes again while a run goes on: a browser that comes back misses nothing."""

import asyncio
import json
from pathlib import Path

from django.db import connection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from labapp.accounts.models import User
from labapp.runs.models import Run
from tests.conftest import Servers
from tests.live.conftest import in_thread
from tests.live.server import cookie_of, free_port, web
from tests.live.test_feed import write

ORIGIN = Origin("http://127.0.0.1")


async def watch(address: str, cookie: str, told: list[int], last: int) -> int:
    """A browser that comes back after every loss with its last number; returns how often it had to."""
    seq, losses = 0, -1
    while seq < last:
        losses += 1
        try:
            headers = {"Cookie": cookie}
            async with connect(f"{address}?after={seq}", additional_headers=headers, origin=ORIGIN) as ws:
                while seq < last:
                    frame = json.loads(await ws.recv())
                    if frame["type"] == "snapshot":
                        told += range(seq + 1, frame["view"]["seq"] + 1)
                        seq = frame["view"]["seq"]
                    for event in frame.get("events", []):
                        if event["seq"] > seq:
                            told.append(event["seq"])
                            seq = event["seq"]
        except (ConnectionClosed, OSError):
            await asyncio.sleep(0.1)
    return losses


async def test_it_works(run: Run, people: dict[str, User], servers: Servers, tmp_path: Path) -> None:
    environment = {
        "MERIT_HOME": str(servers.home), "REDIS_URL": servers.redis_url,
        "DATABASE_URL": servers.database_url.replace("/merit?", f"/{connection.settings_dict['NAME']}?"),
    }  # fmt: skip
    port, log, told = free_port(), tmp_path / "web.log", list[int]()
    cookie = await in_thread(cookie_of, "bob@example.org")
    server = web(environment, port, log)
    process = await asyncio.to_thread(server.__enter__)
    watching = asyncio.create_task(watch(f"ws://127.0.0.1:{port}/ws/runs/{run.pk}/", cookie, told, 203))
    writing = asyncio.create_task(in_thread(write, run, 1, 100, 0.05))
    while len(told) < 40:
        await asyncio.sleep(0.02)
    process.kill()
    await asyncio.to_thread(server.__exit__, None, None, None)
    with_again = web(environment, port, log)
    await asyncio.to_thread(with_again.__enter__)
    try:
        losses = await asyncio.wait_for(watching, 30)
    finally:
        await asyncio.to_thread(with_again.__exit__, None, None, None)
    await writing
    assert losses > 0
    assert told == list(range(1, 204))
