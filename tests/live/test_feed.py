"""The feed through the real application: nothing is lost, nothing comes twice, many viewers cost one read."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from labapp.accounts.models import User
from labapp.runs import bell, consumers, feed, hub, launch
from labapp.runs.models import Run
from tests.live.conftest import browsing, in_thread
from workers.contract.events import Event
from workers.contract.fold import empty, fold
from workers.door.ledger import RunLedger


def write(run: Run, first: int, last: int, pause: float = 0) -> None:
    """Steps `first` to `last`, each with its metrics, as a worker writes them."""
    ledger = RunLedger(run)
    for step in range(first, last + 1):
        time.sleep(pause)
        ledger.write([Event(step, "metrics", {"values": {"loss": 1 / step}}), Event(step, "note", {"text": str(step)})])


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often the feed read events, and folds."""
    counted = {"after": 0, "view": 0}

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted_one(*arguments: Any) -> Any:
            result = function(*arguments)
            counted[name] += bool(result)
            return result

        return counted_one

    for name in counted:
        monkeypatch.setattr(feed, name, counting(name, getattr(feed, name)))
    return counted


async def test_it_works(run: Run, people: dict[str, User]) -> None:
    async with browsing(run.pk, people["alice"]) as browser:
        await browser.hear()
        assert browser.seq == 3
        await in_thread(write, run, 1, 3)
        await browser.until(9)
        assert [event["kind"] for event in browser.events] == ["metrics", "note"] * 3
        assert browser.events[0]["data"] == {"values": {"loss": 1.0}}
        assert set(browser.events[0]) == {"seq", "attempt", "step", "kind", "data", "at"}


async def test_who_comes_back_gets_what_was_missed(run: Run, people: dict[str, User]) -> None:
    await in_thread(write, run, 1, 4)
    async with browsing(run.pk, people["alice"], after=5) as browser:
        await browser.until(11)
        assert browser.snapshot is None
        assert [event["seq"] for event in browser.events] == list(range(6, 12))


@pytest.mark.parametrize("after", [10**12, -3, "x", "1e3", "9" * 40])
async def test_a_number_that_the_run_never_had_gets_a_snapshot(run: Run, people: dict[str, User], after: Any) -> None:
    async with browsing(run.pk, people["alice"], after=after) as browser:
        browser.seq = 0
        await browser.hear()
        assert browser.snapshot is not None


async def test_more_events_than_one_frame_holds(
    run: Run, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed.after, "__defaults__", (7,))
    await in_thread(write, run, 1, 20)
    async with browsing(run.pk, people["alice"], after=1) as browser:
        await browser.until(43)
        await in_thread(write, run, 21, 40)
        await browser.until(83)
        assert [event["seq"] for event in browser.events] == list(range(2, 84))


async def test_lost_bells_and_reconnects_lose_nothing(
    run: Run, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 % of the bells are not heard, and the browser loses its connection seven times."""
    dice, rang, ring = random.Random(4), [0, 0], bell.ring

    def ring_sometimes(run_id: Any) -> None:
        heard = dice.random() >= 0.4
        rang[heard] += 1
        if heard:
            ring(run_id)

    monkeypatch.setattr(bell, "ring", ring_sometimes)
    monkeypatch.setattr(hub, "TICK", 0.2)
    writing = asyncio.create_task(in_thread(write, run, 1, 120, 0.03))
    told, seq = [], 1
    for visit in range(8):
        async with browsing(run.pk, people["alice"], after=seq) as browser:
            await browser.until(243 if visit == 7 else min(243, seq + dice.randint(1, 15)), timeout=30)
            told += [event["seq"] for event in browser.events]
            seq = browser.seq
    await writing
    assert told == list(range(2, 244))
    assert min(rang) > 20, "the guard is only tried when bells are lost and heard"


async def test_a_snapshot_and_the_rest_give_what_all_events_give(run: Run, people: dict[str, User]) -> None:
    await in_thread(write, run, 1, 5)
    writing = asyncio.create_task(in_thread(write, run, 6, 30))
    async with browsing(run.pk, people["alice"]) as browser:
        await browser.until(63)
        assert browser.snapshot is not None
        seen = fold(browser.snapshot["view"], browser.events)
    await writing
    assert seen == fold(empty(), await in_thread(feed.after, run, 0, 1000))
    assert seen["metrics"]["loss"]["30"] == 1 / 30


async def test_many_viewers_cost_one_read(run: Run, people: dict[str, User], count: dict[str, int]) -> None:
    async def look(ready: asyncio.Semaphore) -> int:
        async with browsing(run.pk, people["alice"]) as browser:
            await browser.hear()
            ready.release()
            await browser.until(43, timeout=20)
            return len(browser.events)

    ready = asyncio.Semaphore(0)
    viewers = [asyncio.create_task(look(ready)) for _ in range(30)]
    for _ in viewers:
        await ready.acquire()
    assert count == {"after": 0, "view": 1}
    await in_thread(write, run, 1, 20)
    assert await asyncio.gather(*viewers) == [40] * 30
    assert 1 <= count["after"] <= 20, "at most one read a bell, however many look"


async def test_a_frame_is_made_at_most_ten_times_a_second(
    run: Run, people: dict[str, User], count: dict[str, int]
) -> None:
    async with browsing(run.pk, people["alice"]) as browser:
        await browser.hear()
        started = asyncio.get_running_loop().time()
        await in_thread(write, run, 1, 200)
        await browser.until(403)
        seconds = asyncio.get_running_loop().time() - started
    assert count["after"] <= hub.BURST + hub.RATE * seconds + 1


async def test_a_slow_viewer_holds_no_queue_and_misses_nothing(run: Run, people: dict[str, User]) -> None:
    """Its network stands still while sixty frames go by; the room keeps no more frames than it may."""
    run_id = run.pk
    async with browsing(run_id, people["alice"]) as quick, browsing(run_id, people["bob"]) as slow:
        await quick.hear()
        await slow.hear()
        room = hub.hub().rooms[run_id]
        slow.socket.application.output_queue._maxsize = 1  # from here on its network takes one frame and no more
        for step in range(1, 61):
            await in_thread(write, run, step, step)
            await quick.until(3 + 2 * step)
            assert len(room._frames) <= hub.KEPT
        frames = 0
        while slow.seq < 123:
            frames += (await slow.hear())["type"] == "events"
        assert [event["seq"] for event in slow.events] == list(range(4, 124))
        assert frames < 10, "what was missed is merged"


async def test_viewers_are_counted_and_the_last_one_closes_the_room(run: Run, people: dict[str, User]) -> None:
    async with browsing(run.pk, people["alice"]) as first:
        await first.settle()
        assert first.viewers == 1
        async with browsing(run.pk, people["bob"]) as second:
            await second.settle()
            await first.settle()
            assert (first.viewers, second.viewers) == (2, 2)
        await first.settle()
        assert first.viewers == 1
        room = hub.hub().rooms[run.pk]
    await asyncio.sleep(0.05)
    assert run.pk not in hub.hub().rooms
    assert all(task.done() for task in room._tasks)


async def test_a_feed_that_breaks_sends_its_viewers_away_to_a_new_one(
    run: Run, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browsing(run.pk, people["alice"]) as browser:
        await browser.settle()
        with monkeypatch.context() as broken:
            broken.setattr(feed, "after", lambda *arguments: 1 / 0)
            await in_thread(bell.ring, run.pk)
            assert await browser.socket.application.receive_output(timeout=5) == {
                "type": "websocket.close", "code": consumers.TRY_AGAIN,
            }  # fmt: skip
        async with browsing(run.pk, people["alice"], after=3) as again:
            await in_thread(write, run, 1, 1)
            await again.until(5)


async def test_a_stop_is_seen_at_once(run: Run, people: dict[str, User]) -> None:
    async with browsing(run.pk, people["vera"]) as browser:
        await browser.settle()
        await in_thread(launch.stop, run)
        await browser.until(4, timeout=0.8)
        assert browser.events[-1]["data"] == {"state": "stopping"}
