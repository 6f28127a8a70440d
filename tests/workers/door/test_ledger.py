"""The ledger against a real PostgreSQL: numbers, rows, files, and a worker that is no longer meant."""

import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection

from labapp.runs import feed, launch
from labapp.runs.models import Run
from workers.contract.errors import Replaced, Stopped
from workers.contract.events import Event
from workers.door import rows
from workers.door.heart import Heart
from workers.door.ledger import RunLedger


def metrics(step: int, **values: float) -> Event:
    return Event(step, "metrics", {"values": values})


def parquet_of(step: int, count: int) -> bytes:
    """A step's completions as the engine stores them, with a stream that the index does not read."""
    columns: dict[str, Any] = {
        "step": [step] * count, "index": list(range(count)), "group": [i // 2 for i in range(count)],
        "prompt": [f"{i // 2}+1=" for i in range(count)], "completion": [f"\x00{i}" for i in range(count)],
        "answer": ["1"] * count, "end": ["finished"] * count, "length": [2] * count,
        "reward_total": [float(i) for i in range(count)], "advantage": [0.5] * count, "label": [None] * count,
        "source": [""] * count, "reward.correct": [1.0, None] * (count // 2), "stream.logp": [[-1.0, -2.0]] * count,
    }  # fmt: skip
    out = BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def test_it_works(run: Run) -> None:
    ledger = RunLedger(run)
    ledger.write([metrics(1, loss=0.5, kl=0.0), Event(1, "note", {"text": "hello\x00"})])
    ledger.write([metrics(2, loss=0.25)])
    told = feed.after(run, 2)
    assert [(e["seq"], e["attempt"], e["step"], e["kind"]) for e in told] == [
        (3, 1, 1, "metrics"), (4, 1, 1, "note"), (5, 1, 2, "metrics"),
    ]  # fmt: skip
    assert told[1]["data"] == {"text": "hello␀"}
    run.refresh_from_db()
    assert (run.last_seq, run.step) == (5, 2)
    assert sorted(run.points.values_list("name", "step", "value")) == [
        ("kl", 1, 0.0), ("loss", 1, 0.5), ("loss", 2, 0.25),
    ]  # fmt: skip
    assert sorted(run.latest.values_list("name", "step", "value")) == [("kl", 1, 0.0), ("loss", 2, 0.25)]


def test_the_latest_attempt_of_a_step_wins(run: Run) -> None:
    RunLedger(run).write([metrics(1, loss=0.5), metrics(2, loss=0.4)])
    launch.put_back(run)
    newer = launch.take(run.pk, step=1)
    assert newer is not None
    RunLedger(newer).write([metrics(2, loss=0.3), metrics(2, loss=0.2)])
    assert list(run.points.order_by("step").values_list("step", "value")) == [(1, 0.5), (2, 0.2)]


def test_a_number_that_is_none_is_an_event_and_no_point(run: Run) -> None:
    RunLedger(run).write([metrics(1, loss=float("nan"), kl=1.0)])
    assert feed.after(run, 2)[0]["data"]["values"] == {"loss": None, "kl": 1.0}
    assert list(run.points.values_list("name", flat=True)) == ["kl"]


def test_numbers_have_no_gap_under_four_writers(run: Run) -> None:
    def write(writer: int) -> None:
        ledger = RunLedger(run)
        for step in range(25):
            ledger.write([Event(step, "note", {"text": f"{writer}"})] * 3)
        connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    run.refresh_from_db()
    assert [event["seq"] for event in feed.after(run, 0, limit=1000)] == list(range(1, run.last_seq + 1))
    assert run.last_seq == 2 + 4 * 25 * 3


def test_completions_get_an_index_row_each(run: Run) -> None:
    ledger = RunLedger(run)
    for _ in range(2):  # a step taken again replaces its rows
        file = ledger.save("rollouts/step-000003.parquet", parquet_of(3, 6))
        ledger.write([Event(3, "rollouts", {"count": 6, "file": file, "preview": []})])
    assert file == f"runs/{run.pk}/rollouts/step-000003.parquet"
    assert run.rollouts.count() == 6
    row = run.rollouts.get(index=3)
    assert (row.step, row.group, row.prompt, row.completion, row.file) == (3, 1, "1+1=", "␀3", file)
    assert (row.rewards, row.total, row.advantage, row.label) == ({"correct": None}, 3.0, 0.5, None)
    assert run.rollouts.get(index=2).prompt_key == row.prompt_key != run.rollouts.get(index=0).prompt_key


def test_the_index_is_read_from_storage_when_the_file_is_older(run: Run) -> None:
    file = RunLedger(run).save("rollouts/step-000003.parquet", parquet_of(3, 2))
    RunLedger(run).write([Event(3, "rollouts", {"count": 2, "file": file, "preview": []})])
    assert run.rollouts.count() == 2


def test_a_replaced_worker_stores_nothing(run: Run) -> None:
    ledger = RunLedger(run)
    launch.put_back(run)
    assert launch.take(run.pk) is not None
    before = feed.after(run, 0)
    with pytest.raises(Replaced):
        ledger.write([metrics(1, loss=0.5)])
    with pytest.raises(Replaced):
        ledger.save("x.txt", b"late")
    assert feed.after(run, 0) == before
    assert not run.points.exists()


def test_who_is_asked_to_stop_has_its_events_stored_first(run: Run) -> None:
    launch.stop(run)
    for step in (1, 2):
        with pytest.raises(Stopped):
            RunLedger(run).write([metrics(step, loss=0.5)])
    assert run.points.count() == 2


def test_a_worker_that_closes_stops_the_engine(run: Run) -> None:
    ledger = RunLedger(run)
    ledger.closing.set()
    with pytest.raises(Stopped):
        ledger.write([metrics(1, loss=0.5)])
    assert run.points.count() == 1


def test_a_fault_in_the_middle_stores_nothing(run: Run) -> None:
    ledger = RunLedger(run)
    with pytest.raises(KeyError):
        ledger.write([metrics(1, loss=0.5), Event(1, "checkpoint", {"step": 1})])
    run.refresh_from_db()
    assert (run.last_seq, run.points.count(), run.events.count()) == (2, 0, 2)


def test_a_database_that_is_away_is_waited_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def broken(*args: Any) -> str:
        tried.append(1)
        if len(tried) < 3:
            raise OperationalError("the database system is starting up")
        return rows.store(*args)

    monkeypatch.setattr("workers.door.ledger.store", broken)
    monkeypatch.setattr("workers.door.ledger.time.sleep", lambda seconds: None)
    RunLedger(run).write([metrics(1, loss=0.5)])
    assert (len(tried), run.points.count()) == (3, 1)


def test_a_checkpoint_row_says_that_its_files_are_there(run: Run) -> None:
    ledger = RunLedger(run)
    for step in (1, 2, 3):
        name = f"step-{step:06d}"
        Path(ledger.checkpoints(), name).mkdir()
        if step == 3:
            Path(ledger.checkpoints(), "step-000001").rmdir()
        ledger.write([Event(step, "checkpoint", {"step": step, "name": name, "bytes": 5, "digest": "d"})])
    assert list(run.checkpoints.order_by("step").values_list("step", "name")) == [
        (2, "step-000002"), (3, "step-000003"),
    ]  # fmt: skip


def test_a_file_is_replaced_whole_and_stays_within_the_run(run: Run) -> None:
    ledger = RunLedger(run)
    name = ledger.save("notes/a.txt", b"one")
    assert ledger.save("notes/a.txt", b"two") == name
    assert default_storage.open(name).read() == b"two"
    assert default_storage.listdir(f"runs/{run.pk}/notes") == ([], ["a.txt"])
    for bad in ("../a.txt", "/etc/a.txt", "a/../../b"):
        with pytest.raises(AssertionError):
            ledger.save(bad, b"")


def test_the_heart_beats_and_notices_that_it_was_replaced(run: Run) -> None:
    ledger = RunLedger(run)
    first = run.beat
    assert first is not None
    with Heart(ledger, every=0.05):
        deadline = time.monotonic() + 5
        while not Run.objects.filter(pk=run.pk, beat__gt=first).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert Run.objects.filter(pk=run.pk, beat__gt=first).exists()
        launch.put_back(run)
        assert launch.take(run.pk) is not None
        assert ledger.replaced.wait(5)
