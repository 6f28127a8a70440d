"""The task of a replay on stored files: what it tells, and every fault as a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labapp.runs import files
from tests.workers import stored_step
from workers.door.again import replay_stored
from workers.door.tasks import replay

FILE = "runs/r/rollouts/step-000003.parquet"
DIGIT = {"kind": "rewards", "name": "format", "params": {"pattern": ".*7.*"}}


@pytest.fixture
def stored(settings: Any) -> list[tuple[int, str]]:
    """A step and its file in storage."""
    return [(3, files.save(FILE, stored_step.content()))]


def asked(node: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A question, as JSON."""
    found: dict[str, Any] = json.loads(json.dumps({"name": "sevens", "node": node, **more}))
    return found


def test_it_works(stored: list[tuple[int, str]]) -> None:
    made = replay(stored, asked(DIGIT, instead="correct", weights={"correct": 2.0}, seed=1, steps=9))
    assert made["error"] == ""
    assert (made["whole"]["tau"], made["whole"]["new"]) == (-1.0, 0.5)
    assert [row["step"] for row in made["steps"]] == [3]
    json.dumps(made, allow_nan=False)


def test_completions_without_a_value_are_counted(settings: Any) -> None:
    name = files.save(FILE, stored_step.content())
    code = "def reward(completions, **columns):\n    return [None, None, 1.0, 1.0]\n"
    made = replay_stored([(3, name)], asked({"kind": "rewards", "name": "code:1@1", "source": code}))
    assert made["whole"]["none"] == 2
    json.dumps(made, allow_nan=False)


def test_a_file_that_is_gone_or_broken_is_said(stored: list[tuple[int, str]]) -> None:
    assert "is gone from storage: " in replay_stored([(3, "runs/r/none.parquet")], asked(DIGIT))["error"]
    files.save(FILE, b"no Parquet")
    assert replay_stored(stored, asked(DIGIT))["error"].startswith("data: the stored file cannot be read")


def test_a_reward_that_cannot_be_used_is_said(stored: list[tuple[int, str]]) -> None:
    assert "cannot read the reward: " in replay_stored(stored, asked({"kind": "rewards", "huh": 1}))["error"]
    assert "nowhere" in replay_stored(stored, asked({"kind": "rewards", "name": "nowhere"}))["error"]
    broken = {"kind": "rewards", "name": "code:1@1", "source": "def reward(:"}
    assert replay_stored(stored, asked(broken))["error"] != ""
    short = "def reward(completions, **columns):\n    return [1.0]\n"
    told = replay_stored(stored, asked({"kind": "rewards", "name": "code:1@1", "source": short}))["error"]
    assert "the reward 'sevens' cannot be used" in told
