"""Who may look at a run over a socket."""

from typing import Any

import pytest
from channels.db import database_sync_to_async

from labapp.accounts.models import Membership, User
from labapp.runs import consumers, launch
from labapp.runs.models import Run
from tests.live.conftest import browsing, in_thread, socket


@pytest.mark.parametrize(
    ("name", "rights"),
    [("alice", ["change", "manage", "see"]), ("bob", ["change", "see"]), ("vera", ["see"])],
)
async def test_the_team_sees_its_run(run: Run, people: dict[str, User], name: str, rights: list[str]) -> None:
    async with browsing(run.pk, people[name]) as browser:
        await browser.hear()
        assert browser.snapshot is not None
        assert browser.snapshot["header"]["rights"] == rights
        assert browser.snapshot["header"]["name"] == "first"
        assert browser.snapshot["view"]["state"] == "running"


async def refused(*arguments: Any) -> bool:
    opened = await database_sync_to_async(socket)(*arguments)
    return not await opened.connect()


async def test_outsiders_and_strangers_are_refused(run: Run, people: dict[str, User]) -> None:
    assert await refused(run.pk, people["charlie"])
    assert await refused(run.pk, None)


async def test_a_run_that_is_not_there_looks_like_one_of_another_team(run: Run, people: dict[str, User]) -> None:
    assert await refused("00000000-0000-4000-8000-000000000000", people["alice"])
    await in_thread(launch.delete, run)
    assert await refused(run.pk, people["alice"])


async def test_a_page_of_another_site_is_refused(run: Run, people: dict[str, User]) -> None:
    opened = await database_sync_to_async(socket)(run.pk, people["alice"])
    opened.scope["headers"] = [(k, b"http://evil.example" if k == b"origin" else v) for k, v in opened.scope["headers"]]
    assert not await opened.connect()


async def test_who_leaves_the_team_is_shown_out(
    run: Run, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK", 0.05)
    async with browsing(run.pk, people["bob"]) as browser:
        await browser.settle()
        await in_thread(Membership.objects.filter(user=people["bob"]).delete)
        assert await browser.socket.application.receive_output(timeout=5) == {
            "type": "websocket.close", "code": consumers.NO_LONGER,
        }  # fmt: skip
