"""What stands beside a reward's values stays with its completion: in a stock, across a resume, and in an analysis."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.analysis import AnalysisSpec
from workers.contract.errors import Stopped
from workers.contract.spec import Optimiser, Pick, Pool, RewardPick
from workers.engine.offline import analyse
from workers.engine.run import train

SAYS = """
def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    return {"score": float(len(solution_str) % 5), "seen": solution_str or "nothing"}
"""
FIRST_LETTER = """
def reward(completions):
    return [{"first": [{"start": 0, "end": 1, "value": len(t) % 3}], "whole": 0.25} for t in completions]
"""


def rows_of(ledger: MemoryLedger, step: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        io.BytesIO(ledger.files[f"rollouts/step-{step:06d}.parquet"])
    ).to_pylist()
    return found


def offline(folder: Path, source: str, objective: Pick, **changes: Any) -> Any:
    spec = tiny_spec(
        folder, rewards=(RewardPick("mine", "code:1@1", source=source),), objective=objective, regularisers=(),
        pool=Pool(8, 4, 2), optimiser=Optimiser(learning_rate=3e-4), batch_prompts=4, **changes,
    )  # fmt: skip
    return replace(spec, budget=replace(spec.budget, steps=4, eval_every=4, checkpoint_every=1))


def test_notes_stay_with_their_completions(tmp_path: Path) -> None:
    spec = offline(tmp_path, SAYS, Pick("preferences", "dpo"), credit=None)
    ledger = MemoryLedger(tmp_path / "1", stop_after=3)  # in the middle of the second round
    with pytest.raises(Stopped):
        train(spec, ledger)
    ledger.stop_after = None
    train(spec, ledger, resume=True)
    for step in range(1, 5):
        for row in rows_of(ledger, step):
            assert row["note.mine"] == f"seen: {row['completion'] or 'nothing'}", step


def test_dense_values_stay_where_they_arise(tmp_path: Path) -> None:
    """A policy gradient on scored groups: the first letter's value stands on the first token, what is said of the whole
    on the last one."""
    spec = offline(tmp_path, FIRST_LETTER, Pick("objectives", "copg", {"beta": 0.5}))
    ledger = MemoryLedger(tmp_path / "1")
    train(spec, ledger)
    long = [
        row for step in range(1, 5) for row in rows_of(ledger, step) if len(row["completion"]) % 3 and row["length"] > 2
    ]
    assert long
    for row in long:
        assert row["stream.reward"][-1] == pytest.approx(0.25)
        assert sum(row["stream.reward"]) == pytest.approx(row["reward.mine"])
        assert row["reward.mine"] == 0.25 + len(row["completion"]) % 3


def test_an_analysis_keeps_notes(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": "p", "completion": "x" * n}) + "\n" for n in range(70)))
    ledger = MemoryLedger(tmp_path)
    analyse(AnalysisSpec("a", (RewardPick("mine", "code:1@1", source=SAYS),), (), str(path)), ledger)
    assert [row["note.mine"] for row in rows_of(ledger, 0)] == [f"seen: {'x' * n or 'nothing'}" for n in range(70)]
