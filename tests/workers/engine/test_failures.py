"""A reward that fails while a run trains: on some completions, beside another reward, or on everything."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.engine.test_run import rows
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget, RunSpec
from workers.contract.values import Values
from workers.engine.judges import Objective
from workers.engine.run import train


def short(folder: Path, **changes: Any) -> RunSpec:
    return tiny_spec(folder, **{"budget": Budget(steps=3, eval_every=0, checkpoint_every=1)} | changes)


def judged(monkeypatch: pytest.MonkeyPatch, judge: Any) -> None:
    """Let a function of (answers, step) -> Values be the run's only reward."""
    made = (Objective("mine", 1.0, (0.0, 1.0), judge, lambda: None),)
    monkeypatch.setattr("workers.engine.learner.make_objectives", lambda picks, seed, steps: made)


def test_a_reward_that_fails_on_an_answer_spoils_that_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(answers: Any, step: int) -> Values:
        values: list[float | None] = [float(len(text)) for text in answers.texts]
        values[5] = None
        return Values(values, faults={5: "sixth always fails"})

    judged(monkeypatch, judge)
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    assert [event.step for event in ledger.kind("trouble")] == [1, 2, 3]
    assert ledger.kind("trouble")[0].data["evidence"]["index"] == 5


def test_rows_that_no_reward_speaks_about_leave_the_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of a group of four do not count: the mean and the deviation are those of the other two."""
    judged(monkeypatch, lambda answers, step: Values([None, None, 1.0, 0.0] * 4))
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    stored = rows(ledger, 1)[:4]
    assert [row["reward_total"] for row in stored] == [None, None, 1.0, 0.0]
    # Values 1 and 0: mean 1/2, sample deviation sqrt(1/2); (1/2) / sqrt(1/2) = 0.7071.
    assert [row["advantage"] for row in stored] == pytest.approx([0, 0, 0.7071, -0.7071], abs=1e-3)


def test_what_is_only_shown_makes_no_zero_of_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reward alone is learned from: where it fails a completion is left out, as it is without the first."""

    def fails(answers: Any, step: int) -> Values:
        return Values([None, None, 1.0, 0.0] * 4, faults={n: "busy" for n in range(16) if n % 4 < 2})

    shown = Objective("shown", 0.0, (0.0, 1.0), lambda answers, step: Values([1.0] * 16), lambda: None)
    made = (shown, Objective("mine", 1.0, (0.0, 1.0), fails, lambda: None))
    monkeypatch.setattr("workers.engine.learner.make_objectives", lambda picks, seed, steps: made)
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    stored = rows(ledger, 1)[:4]
    assert [row["reward_total"] for row in stored] == [None, None, 1.0, 0.0]
    assert [row["advantage"] for row in stored] == pytest.approx([0, 0, 0.7071, -0.7071], abs=1e-3)


@pytest.mark.parametrize(
    ("becomes", "totals", "advantages"),
    [
        ("skip", [None, None, 2.0, 1.0], [0, 0, 0.7071, -0.7071]),
        ("zero", [1.0, 1.0, 2.0, 1.0], [-0.5, -0.5, 1.5, -0.5]),
    ],
)
def test_a_failure_beside_another_reward_is_no_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str, totals: Any, advantages: Any
) -> None:
    """Where one of two rewards fails, the sum without it would be the sum with 0 for it."""

    def fails(answers: Any, step: int) -> Values:
        return Values([None, None, 1.0, 0.0] * 4, faults={n: "busy" for n in range(16) if n % 4 < 2})

    sure = Objective("sure", 1.0, (0.0, 1.0), lambda answers, step: Values([1.0] * 16), lambda: None)
    made = (sure, Objective("mine", 1.0, (0.0, 1.0), fails, lambda: None, becomes))
    monkeypatch.setattr("workers.engine.learner.make_objectives", lambda picks, seed, steps: made)
    ledger = MemoryLedger(tmp_path)
    train(short(tmp_path), ledger)
    stored = rows(ledger, 1)[:4]
    assert [row["reward_total"] for row in stored] == totals
    assert [row["reward.sure"] for row in stored] == [1.0] * 4, "what it says is still told"
    assert [row["advantage"] for row in stored] == pytest.approx(advantages, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "what"), [([float("nan")] * 16, "nan, which is no finite number"), ([0.0] * 3, "3 values for 16")]
)
def test_a_useless_reward_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[Any], what: str
) -> None:
    judged(monkeypatch, lambda answers, step: Values(values, faults={}))
    ledger = MemoryLedger(tmp_path)
    with pytest.raises(RunError, match=what) as caught:
        train(short(tmp_path), ledger)
    assert caught.value.where == "reward"
    assert caught.value.evidence["step"] == 1
