"""Held-out completions: judged in parts, by rewards that may fail on some of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.engine.test_failures import judged, short
from tests.workers.tiny import MemoryLedger
from workers.contract.errors import RunError
from workers.contract.spec import Budget
from workers.contract.values import Values
from workers.engine.run import train


def test_an_evaluation_says_that_nobody_learns_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that rewards with noise leave it out; the run's curve is that of the reward as it is meant."""

    def judge(answers: Any, step: int) -> Values:
        return Values([float(answers.held_out)] * len(answers.texts))

    judged(monkeypatch, judge)
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path, budget=Budget(steps=1, eval_every=1, eval_prompts=4, checkpoint_every=0)), ledger)
    assert [event.data["values"] for event in ledger.kind("front")] == [{"mine": 1.0}] * 2
    assert ledger.curves()[1]["reward/mine"] == 0.0


def test_a_reward_that_fails_in_an_evaluation_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(answers: Any, step: int) -> Values:
        values: list[float | None] = [1.0] * len(answers.texts)
        values[2] = None
        return Values(values, faults={2: "third always fails"})

    judged(monkeypatch, judge)
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path, budget=Budget(steps=1, eval_every=1, eval_prompts=4, checkpoint_every=0)), ledger)
    # Step 0 has an evaluation only, step 1 a training batch and an evaluation.
    assert [event.step for event in ledger.kind("trouble")] == [0, 1, 1]


def test_one_failure_in_the_last_part_of_an_evaluation_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of 2, 2 and 1: that a reward fails on all of the last part says little, on all held-out ones much."""

    def failing_on(parts: set[int]) -> Any:
        def judge(answers: Any, step: int) -> Values:
            count = len(answers.texts)
            if not answers.held_out or count not in parts:
                return Values([1.0] * count)
            return Values([None] * count, faults=dict.fromkeys(range(count), "busy"))

        return judge

    judged(monkeypatch, failing_on({1}))
    budget = Budget(steps=1, eval_every=1, eval_prompts=5, checkpoint_every=0)
    spec = short(tmp_path, budget=budget, batch_prompts=1, siblings=2)
    ledger = MemoryLedger(tmp_path)
    train(spec, ledger)
    assert [event.data["values"] for event in ledger.kind("front")] == [{"mine": 1.0}] * 2
    assert [event.data["evidence"]["count"] for event in ledger.kind("trouble")] == [1, 1]
    judged(monkeypatch, failing_on({1, 2}))
    with pytest.raises(RunError, match="on all held-out completions"):
        train(spec, MemoryLedger(tmp_path))
