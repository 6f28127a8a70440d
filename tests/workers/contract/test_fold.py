"""Folding events: in pieces or at once, seen twice or once, and after a worker was replaced."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workers.contract.events import KINDS
from workers.contract.fold import KEPT_PREVIEWS, KEPT_TROUBLES, empty, fold

values = st.dictionaries(st.sampled_from(["loss", "kl"]), st.integers(0, 9), min_size=1, max_size=2)
DATA = {
    "state": st.builds(lambda state: {"state": state}, st.sampled_from(["queued", "running", "done"])),
    "progress": st.builds(lambda done: {"phase": "loading", "done": done, "total": 9}, st.integers(0, 9)),
    "metrics": st.builds(lambda told: {"values": told}, values),
    "rollouts": st.builds(lambda count: {"count": count, "file": "x", "preview": []}, st.integers(0, 9)),
    "checkpoint": st.builds(lambda step: {"step": step, "name": "c"}, st.integers(0, 9)),
    "front": st.builds(lambda mean: {"values": {"right": mean}}, st.integers(0, 9)),
    "trouble": st.builds(lambda what: {"where": "reward", "what": what}, st.text(max_size=3)),
    "note": st.builds(lambda text: {"text": text}, st.text(max_size=3)),
}
kinds = st.sampled_from(sorted(DATA)).flatmap(lambda kind: st.tuples(st.just(kind), DATA[kind]))


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A run's rows: numbered from 1, with attempts that never fall."""
    rows = []
    attempt = 1
    for seq in range(1, draw(st.integers(0, 25)) + 1):
        attempt += draw(st.sampled_from([0, 0, 0, 0, 1]))
        kind, data = draw(kinds)
        step = draw(st.integers(0, 6))
        rows.append({"seq": seq, "attempt": attempt, "step": step, "kind": kind, "data": data, "at": seq * 0.5})
    return rows


def row(seq: int, kind: str, data: dict[str, Any], step: int = 0, attempt: int = 1) -> dict[str, Any]:
    return {"seq": seq, "attempt": attempt, "step": step, "kind": kind, "data": data, "at": 0.0}


def test_every_kind_of_event_is_tried_here() -> None:
    assert set(DATA) == set(KINDS)


@given(histories(), st.integers(0, 25))
def test_all_at_once_is_a_snapshot_and_then_the_rest(history: list[dict[str, Any]], cut: int) -> None:
    whole = fold(empty(), copy.deepcopy(history))
    snapshot = copy.deepcopy(fold(empty(), history[:cut]))
    assert fold(snapshot, history[cut:]) == whole


@given(histories(), st.lists(st.integers(0, 24), max_size=10))
def test_what_was_seen_already_changes_nothing(history: list[dict[str, Any]], again: list[int]) -> None:
    """A browser that reconnects may be sent rows it has: old ones are dropped wherever they come."""
    whole = fold(empty(), copy.deepcopy(history))
    repeated: list[dict[str, Any]] = []
    for index, event in enumerate(history):
        repeated.append(event)
        repeated.extend(history[earlier] for earlier in again if earlier <= index)
    assert fold(empty(), repeated) == whole
    assert fold(copy.deepcopy(whole), history) == whole


@given(histories())
def test_the_rows_themselves_are_left_alone(history: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(history)
    view = fold(empty(), history)
    view["metrics"].clear()
    assert history == before


def test_a_new_attempt_forgets_what_lies_after_its_step_and_nothing_before() -> None:
    """A worker died after step 4; the next took the run up from the checkpoint of step 2."""
    first = [row(seq, "metrics", {"values": {"loss": seq}}, step=seq) for seq in (1, 2, 3, 4)]
    first.append(row(5, "rollouts", {"count": 8}, step=4))
    first.append(row(6, "checkpoint", {"name": "c2"}, step=2))
    view = fold(empty(), first)
    assert view["metrics"]["loss"] == {"1": 1, "2": 2, "3": 3, "4": 4}
    fold(view, [row(7, "state", {"state": "running"}, step=2, attempt=2)])
    assert view["metrics"]["loss"] == {"1": 1, "2": 2}
    assert view["rollouts"] == {}
    assert view["checkpoints"] == {"2": {"name": "c2"}}
    assert (view["step"], view["attempt"], view["state"]) == (2, 2, "running")
    fold(view, [row(8, "metrics", {"values": {"loss": 33}}, step=3, attempt=2)])
    assert view["metrics"]["loss"] == {"1": 1, "2": 2, "3": 33}


def test_a_reason_comes_with_its_state_and_goes_with_it() -> None:
    view = fold(empty(), [row(1, "state", {"state": "failed", "reason": {"where": "reward"}})])
    assert view["reason"] == {"where": "reward"}
    assert fold(view, [row(2, "state", {"state": "queued"})])["reason"] is None


def test_progress_ends_with_the_next_numbers() -> None:
    view = fold(empty(), [row(1, "progress", {"phase": "loading", "done": 1, "total": 2})])
    assert view["progress"]["phase"] == "loading"
    assert fold(view, [row(2, "metrics", {"values": {}}, step=1)])["progress"] is None


def test_only_the_latest_troubles_and_notes_are_kept() -> None:
    rows = [row(seq, "trouble", {"what": seq}) for seq in range(1, KEPT_TROUBLES + 11)]
    kept = fold(empty(), rows)["troubles"]
    assert [trouble["what"] for trouble in kept] == list(range(11, KEPT_TROUBLES + 11))


def stored(step: int) -> dict[str, Any]:
    return {"count": 128, "file": f"step-{step}", "preview": [{"completion": "x" * 600}] * 8}


def test_only_the_newest_steps_keep_their_previews() -> None:
    """The view of a long run stays small: 2,000 steps are sent to a browser in one frame."""
    view = fold(empty(), [row(step, "rollouts", stored(step), step=step) for step in range(1, 2001)])
    newest = [str(step) for step in range(2001 - KEPT_PREVIEWS, 2001)]
    assert view["previews"] == newest
    assert [step for step, data in view["rollouts"].items() if "preview" in data] == newest
    assert view["rollouts"]["1"] == {"count": 128, "file": "step-1"}
    assert len(json.dumps(view)) < 200_000


def test_previews_of_a_forgotten_step_are_forgotten() -> None:
    view = fold(empty(), [row(step, "rollouts", stored(step), step=step) for step in (1, 2, 3)])
    fold(view, [row(4, "state", {"state": "running"}, step=2, attempt=2), row(5, "rollouts", stored(9), 3, 2)])
    assert view["previews"] == ["1", "2", "3"]
    assert view["rollouts"]["3"]["file"] == "step-9"
    fold(view, [row(6, "rollouts", stored(3), 3, 2)])
    assert view["previews"] == ["1", "2", "3"], "a step that is stored again counts once"
