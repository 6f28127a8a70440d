"""Learning from a stock: pairs, labels and scored groups, sampled or stored; the same twice and across a resume."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.errors import RunError, Stopped
from workers.contract.spec import Companion, Model, Optimiser, Pick, Pool, Prompts, RewardPick, RunSpec
from workers.engine.judges import close_all
from workers.engine.learner import make_learner
from workers.engine.preferring import gather_stored
from workers.engine.run import train

REWARDS = (
    RewardPick("t", "format", {"pattern": ".*t.*"}),
    RewardPick("digit", "format", {"pattern": ".*[0-9].*"}, 0.5),
)
METHODS: dict[str, dict[str, Any]] = {
    "dpo": {}, "ipo": {"length": "sum", "beta": 0.5}, "kto": {}, "tgdpo": {}, "inpo": {"eta": 0.5},
}  # fmt: skip


def offline(folder: Path, objective: Pick, **changes: Any) -> RunSpec:
    spec = tiny_spec(
        folder, rewards=REWARDS, objective=objective, credit=None, regularisers=(), pool=Pool(12, 4, 1),
        optimiser=Optimiser(learning_rate=3e-4), batch_prompts=4, **changes,
    )  # fmt: skip
    return replace(spec, budget=replace(spec.budget, steps=9, eval_every=3, checkpoint_every=3))


def ran(spec: RunSpec, folder: Path, **how: Any) -> MemoryLedger:
    assert troubles(spec, read_catalogue()) == []
    ledger = MemoryLedger(folder)
    train(spec, ledger, **how)
    return ledger


def guided_by(folder: Path) -> tuple[Companion, ...]:
    """A guide: the model of a DPO run."""
    ledger = ran(offline(folder, Pick("preferences", "dpo")), folder / "guide")
    return (Companion("guide", Model(f"{ledger.checkpoints()}/step-000009")),)


@pytest.mark.parametrize("name", METHODS)
def test_pairs_are_told_apart_and_a_resume_changes_nothing(tmp_path: Path, name: str) -> None:
    companions = guided_by(tmp_path) if name == "tgdpo" else ()
    pool = Pool(12, 4, 2 if name == "inpo" else 1)
    spec = replace(offline(tmp_path, Pick("preferences", name, METHODS[name]), companions=companions), pool=pool)
    whole = ran(spec, tmp_path / "1")
    curves = whole.curves()
    assert curves[9]["preferences/margin"] > 0.05
    assert curves[1]["loss"] > 0
    assert "mismatch" not in curves[1]
    if name != "kto":
        assert curves[9]["preferences/accuracy"] > 0.5
    cut = ran(spec, tmp_path / "2")
    assert cut.curves() == curves, "the same twice"
    short = MemoryLedger(tmp_path / "3", stop_after=4)
    with pytest.raises(Stopped):
        train(spec, short)
    short.stop_after = None
    train(spec, short, resume=True)
    assert short.curves()[9] == curves[9]
    assert short.files["rollouts/step-000009.parquet"] == whole.files["rollouts/step-000009.parquet"]


def test_a_step_takes_every_pair_once_before_any_comes_again(tmp_path: Path) -> None:
    learner = make_learner(offline(tmp_path, Pick("preferences", "dpo")), lambda *_: None)
    assert learner.stock is not None
    gather_stored(learner, 1)
    close_all(learner.objectives)
    stock = learner.stock
    stock.units = [[n, n + 10] for n in range(7)]
    first, second = stock.take(0, 7)[0].tolist(), stock.take(7, 7)[0].tolist()
    assert sorted(first) == sorted(second) == [*range(7), *range(10, 17)]
    assert second != first
    rows, numbers = (part.tolist() for part in stock.take(5, 4))
    assert rows == first[10:] + second[:4]
    assert numbers == [0, 0, 1, 1, 2, 2, 3, 3]


def test_rounds_sample_anew_from_the_policy_of_their_time(tmp_path: Path) -> None:
    spec = replace(offline(tmp_path, Pick("preferences", "inpo", {"eta": 0.5})), pool=Pool(6, 4, 3))
    ledger = ran(spec, tmp_path)
    texts = [_column(ledger, step, "completion") for step in (1, 4, 7)]
    assert texts[0] != texts[1] != texts[2]
    # The previous policy is the one that sampled: its word on a completion is the stored one of sampling.
    for step in (1, 2, 7):
        table = pq.read_table(io.BytesIO(ledger.files[f"rollouts/step-{step:06d}.parquet"])).to_pydict()
        for logp, previous in zip(table["stream.logp"], table["stream.previous_logp"], strict=True):
            assert previous == pytest.approx(logp, abs=1e-4)


def _column(ledger: MemoryLedger, step: int, name: str) -> list[Any]:
    found: list[Any] = pq.read_table(io.BytesIO(ledger.files[f"rollouts/step-{step:06d}.parquet"])).to_pydict()[name]
    return found


def test_an_objective_learns_from_scored_groups(tmp_path: Path) -> None:
    """CoPG on a fixed stock: the loss falls, and nothing is sampled after the first step."""
    spec = offline(tmp_path, Pick("objectives", "copg", {"beta": 0.5}))
    ledger = ran(replace(spec, budget=replace(spec.budget, steps=12)), tmp_path)
    losses = [values["loss"] for step, values in ledger.curves().items() if step]
    assert sum(losses[-3:]) < sum(losses[:3])


ROWS: dict[str, list[dict[str, Any]]] = {
    "pairs": [{"prompt": f"the cat {n}+1=", "chosen": "the hat", "rejected": "dog dog"} for n in range(20)],
    "labels": [
        {"prompt": f"the cat {n}+1=", "completion": "the hat" if n % 2 else "dog dog", "label": bool(n % 2)}
        for n in range(20)
    ],
    "scores": [
        {"prompt": f"the cat {n // 2}+1=", "completion": "the hat" if n % 2 else "dog dog", "score": n % 2}
        for n in range(20)
    ],
}
STORED = [("pairs", Pick("preferences", "dpo")), ("labels", Pick("preferences", "kto")),
          ("scores", Pick("preferences", "ipo")), ("scores", Pick("objectives", "copg"))]  # fmt: skip


@pytest.mark.parametrize(("kind", "objective"), STORED)
def test_stored_completions_are_learned_from(tmp_path: Path, kind: str, objective: Pick) -> None:
    tiny_spec(tmp_path)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS[kind]))
    prompts = Prompts(path=str(path), heldout_share=0.3)
    spec = replace(offline(tmp_path, objective, prompts=prompts), pool=Pool(0))
    ledger = ran(spec, tmp_path)
    said = set(_column(ledger, 1, "completion"))
    assert said <= {"the hat", "dog dog"}
    last = ledger.curves()[9]
    if objective.kind == "preferences":
        assert last["preferences/margin"] > 0.05


def test_a_stock_without_a_difference_is_refused(tmp_path: Path) -> None:
    spec = offline(tmp_path, Pick("preferences", "dpo"))
    same = replace(spec, rewards=(RewardPick("same", "format", {"pattern": ".*"}),))
    with pytest.raises(RunError, match="no pair can be made"):
        train(same, MemoryLedger(tmp_path))
