"""What a browser makes of a run's events is what the server makes of them."""

import json
import random
from typing import Any

from playwright.sync_api import Page

from workers.contract.events import KINDS
from workers.contract.fold import KEPT_TROUBLES, empty, fold

FOLD = """async (runs) => {
    const { empty, fold } = await import('/static/js/fold.js');
    return runs.map(([view, events]) => fold(view ?? empty(), events));
}"""


def data_of(kind: str, chance: random.Random) -> dict[str, Any]:
    """Something that an event of `kind` may say."""
    number = chance.randrange(100)
    return {
        "state": {"state": chance.choice(["queued", "running", "stopped", "done"])}
        if number % 3
        else {"state": "failed", "reason": {"where": "reward", "what": "é", "mend": "", "evidence": {"step": number}}},
        "progress": {"phase": "scoring", "done": number, "total": 100, "rate": chance.random()},
        "metrics": {"values": {"reward/total": chance.random(), "kl": chance.choice([0, -0.0, 1e-9, None])}},
        "rollouts": {"count": number, "file": f"step-{number}", "preview": [{"index": number, "rewards": {"a": None}}]},
        "checkpoint": {"step": number, "name": f"step-{number}", "bytes": number, "digest": "d"},
        "front": {"values": {"correct": chance.random()}, "errors": {}},
        "trouble": {"where": "reward", "what": str(number), "mend": "", "evidence": {}},
        "note": {"text": str(number)},
    }[kind]


def history(seed: int, length: int) -> list[dict[str, Any]]:
    """Events of a run with several attempts; some come twice, as after a reconnect."""
    chance = random.Random(seed)
    attempt, events = 0, []
    for seq in range(1, length + 1):
        attempt += chance.random() < 0.06
        kind = chance.choice(sorted(KINDS))
        events.append(
            {"seq": seq, "attempt": attempt, "step": chance.randrange(15), "kind": kind, "data": data_of(kind, chance),
             "at": f"2026-01-01T00:00:{seq % 60:02d}+00:00"}
        )  # fmt: skip
        if chance.random() < 0.1:
            events.append(chance.choice(events))
    return events


def plain(value: Any) -> Any:
    """As JSON carries it, in which 0.0 and -0.0 and 0 are one number."""
    return json.loads(json.dumps(value))


def test_it_works(page: Page) -> None:
    """Eighty histories, each at once and as a snapshot and the rest."""
    page.goto("/accounts/profile/")
    histories = [history(seed, 150) for seed in range(80)]
    histories.append([one for seed in range(3) for one in history(seed, KEPT_TROUBLES * 3)])
    expected = [plain(fold(empty(), plain(events))) for events in histories]
    assert page.evaluate(FOLD, [[None, events] for events in histories]) == expected
    halves = [[plain(fold(empty(), plain(events[:70]))), events[70:]] for events in histories]
    assert page.evaluate(FOLD, halves) == expected


def test_an_empty_view_is_the_same(page: Page) -> None:
    page.goto("/accounts/profile/")
    assert page.evaluate(FOLD, [[None, []]]) == [plain(empty())]
