"""How long an event takes from the worker's `write` to a browser's socket, with one viewer and with fifty.

    python -m tests.bench.latency [--viewers 1 50] [--events 100] [--rate 8]

Real PostgreSQL, Redis, uvicorn and websockets. The writer is a process of its own and stamps each event just before
it writes it, so the figure holds the transaction, the bell, the read, the frame and the network of this machine.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Start a lab in a temporary home, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rate", type=float, default=8.0, help="events a second")
    parser.add_argument("--write", metavar="RUN", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.write:
        write(chosen.write, chosen.events, chosen.rate)
        return
    with tempfile.TemporaryDirectory(prefix="merit-bench-") as home:
        os.environ.update(MERIT_HOME=home, DJANGO_SETTINGS_MODULE="labapp.settings")
        from labapp import embedded

        embedded.start_postgres(Path(home))
        embedded.start_redis(Path(home))
        try:
            measure(Path(home), chosen.viewers, chosen.events, chosen.rate)
        finally:
            embedded.stop_postgres(Path(home))
            embedded.stop_redis(Path(home))


def measure(home: Path, viewers: list[int], events: int, rate: float) -> None:
    """Print median and 99th percentile for each number of viewers."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.live.server import cookie_of, free_port, web

    run_id = make_run()
    cookie, port = cookie_of("alice@example.org"), free_port()
    print(f"{events} events at {rate:g} a second\nviewers  median ms  p99 ms  worst ms  frames a viewer")
    with web({"MERIT_HOME": str(home)}, port, home / "web.log"):
        for count in viewers:
            address = f"ws://127.0.0.1:{port}/ws/runs/{run_id}/"
            delays, frames = asyncio.run(watch(address, cookie, count, run_id, events, rate))
            last = statistics.quantiles(delays, n=100)[98]
            middle = statistics.median(delays)
            print(f"{count:7d} {middle:10.1f} {last:7.1f} {max(delays):9.1f} {frames / count:16.1f}", flush=True)


def make_run() -> str:
    """A run that is being trained, and Alice, who may look at it."""
    from labapp.accounts.models import Membership, Team, User
    from labapp.runs import launch
    from labapp.runs.models import Run

    team = Team.objects.create(name="Lab", slug="lab")
    alice = User.objects.create_user("alice@example.org")
    Membership.objects.create(user=alice, team=team, role="owner")
    run = launch.create(team, alice, {"name": "bench"}, "Bench")
    Run.objects.filter(pk=run.pk).update(state="queued")
    assert launch.take(run.pk) is not None
    return str(run.pk)


async def watch(
    address: str, cookie: str, count: int, run_id: str, events: int, rate: float
) -> tuple[list[float], int]:
    """Open `count` sockets, let the writer write, and return every delay in ms and the number of frames."""
    from websockets.asyncio.client import connect
    from websockets.typing import Origin

    ready: asyncio.Queue[None] = asyncio.Queue()

    async def view() -> tuple[list[float], int]:
        delays: list[float] = []
        frames = 0
        async with connect(address, additional_headers={"Cookie": cookie}, origin=Origin("http://127.0.0.1")) as socket:
            while len(delays) < events:
                frame: dict[str, Any] = json.loads(await socket.recv())
                if frame["type"] == "snapshot":
                    ready.put_nowait(None)
                elif frame["type"] == "events":
                    now = time.time()
                    frames += 1
                    delays += [1000 * (now - float(e["data"]["text"])) for e in frame["events"]]
        return delays, frames

    watching = [asyncio.create_task(view()) for _ in range(count)]
    for _ in watching:
        await ready.get()
    command = [sys.executable, "-m", "tests.bench.latency", "--write", run_id]
    writer = subprocess.Popen([*command, "--events", str(events), "--rate", str(rate)], cwd=ROOT)
    done = await asyncio.gather(*watching)
    writer.wait()
    return [delay for delays, _ in done for delay in delays], sum(frames for _, frames in done)


def write(run_id: str, events: int, rate: float) -> None:
    """Write events at an even pace, each with the time at which its writing began."""
    import django

    django.setup()
    from labapp.runs.models import Run
    from workers.contract.events import Event
    from workers.door.ledger import RunLedger

    ledger = RunLedger(Run.objects.get(pk=run_id))
    begun = time.monotonic() + 0.2
    for number in range(events):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        ledger.write([Event(number, "note", {"text": str(time.time())})])


if __name__ == "__main__":
    main()
