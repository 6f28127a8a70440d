"""What a page gets of a run: header, fold, and no traceback for those who may only look."""

from typing import Any

import pytest

from labapp.accounts.models import Team, User
from labapp.runs import feed, launch, moves
from labapp.runs.models import Run

SPEC: dict[str, Any] = {
    "name": "first", "model": {"name": "starter"}, "prompts": {"task": {"kind": "tasks", "name": "arithmetic"}},
    "rewards": [{"label": "correct", "name": "exact_answer"}], "credit": {"kind": "credit", "name": "grpo"},
    "budget": {"steps": 7}, "batch_prompts": 16,
}  # fmt: skip


@pytest.fixture
def run(team: Team, alice: User) -> Run:
    made = launch.create(team, alice, SPEC, "Sums")
    moves.move(made.pk, ("draft",), "queued")
    taken = launch.take(made.pk, "host:1")
    assert taken is not None
    return taken


def test_it_works(run: Run) -> None:
    shown = feed.snapshot(run, "member")
    assert (shown["view"]["seq"], shown["view"]["state"], shown["view"]["attempt"]) == (3, "running", 1)
    header = shown["header"]
    assert (header["owner"], header["experiment"], header["steps"]) == ("Alice", "Sums", 7)
    assert header["rights"] == ["change", "see"]
    assert header["spec"] == {
        "model": "starter", "prompts": "arithmetic", "rewards": ["correct"], "credit": "grpo", "objective": None,
        "reduction": None, "batch_prompts": 16, "siblings": None, "max_new_tokens": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "spec", [{}, {"model": None, "prompts": None, "rewards": None}, {"prompts": {"dataset": "3@1"}}]
)
def test_a_document_with_missing_parts_has_a_summary(spec: dict[str, Any]) -> None:
    assert feed.summary(spec)["rewards"] == []


def test_events_come_in_order_after_a_number(run: Run) -> None:
    assert [event["seq"] for event in feed.after(run, 1)] == [2, 3]
    assert [event["seq"] for event in feed.after(run.pk, 0, limit=2)] == [1, 2]
    assert feed.after(run, 3) == []


def test_a_traceback_is_for_those_with_rights(run: Run) -> None:
    reason = {"where": "worker", "what": "boom", "mend": "", "evidence": {"step": 3, "traceback": "File secret.py"}}
    launch.fail(run, reason)
    run.refresh_from_db()
    assert feed.header(run, "member")["reason"] == reason
    assert feed.header(run, "viewer")["reason"]["evidence"] == {"step": 3}
    assert feed.header(run)["reason"]["evidence"] == {"step": 3}
    told = feed.after(run, 3)[0]["data"]["reason"]
    assert told == {**reason, "evidence": {"step": 3}}
    assert feed.view(run.pk)["reason"] == told


def test_a_trouble_is_told_without_its_traceback(run: Run) -> None:
    trouble = {"where": "reward", "what": "NaN", "mend": "", "evidence": {"index": 0, "traceback": "File secret.py"}}
    moves.write(run.pk, {}, {}, [("trouble", trouble)])
    assert feed.view(run.pk)["troubles"][0]["evidence"] == {"index": 0}
