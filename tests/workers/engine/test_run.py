"""Whole runs on a tiny model: the same twice, the same across stop and resume, and better at the end."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.errors import RunError, Stopped
from workers.contract.events import KINDS, METRICS
from workers.contract.spec import Budget, Optimiser, Pick, RewardPick, RunSpec
from workers.engine.run import train


def ran(spec: RunSpec, folder: Path, **how: Any) -> MemoryLedger:
    ledger = MemoryLedger(folder)
    train(spec, ledger, **how)
    return ledger


def weights(ledger: MemoryLedger, step: int) -> bytes:
    return (ledger.folder / "checkpoints" / f"step-{step:06d}" / "model.safetensors").read_bytes()


def rows(ledger: MemoryLedger, step: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(
        io.BytesIO(ledger.files[f"rollouts/step-{step:06d}.parquet"])
    ).to_pylist()
    return found


def test_it_works(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path)
    assert troubles(spec, read_catalogue()) == []
    ledger = ran(spec, tmp_path)
    assert [event.step for event in ledger.kind("metrics")] == [0, 1, 2, 3, 4]
    assert [event.step for event in ledger.kind("front")] == [0, 2, 4]
    assert [event.step for event in ledger.kind("checkpoint")] == [2, 4]
    assert {event.kind for event in ledger.events} <= set(KINDS)
    assert {event.data["phase"] for event in ledger.kind("progress")} == {"loading", "evaluating"}
    last = ledger.kind("metrics")[-1].data["values"]
    own = {"reward/short", "reward/the", "heldout/short", "heldout/the", "regularisers/kl", "objectives/ratio"}
    assert set(last) == set(METRICS) | own
    assert last["mismatch"] < 1e-4
    assert any("threads" in event.data["text"] for event in ledger.kind("note"))


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path)
    first, second = ran(spec, tmp_path / "1"), ran(spec, tmp_path / "2")
    other = ran(replace(spec, seed=1), tmp_path / "3")
    assert first.curves() == second.curves()
    assert first.files == second.files
    assert weights(first, 4) == weights(second, 4)
    assert first.curves()[1]["reward/total"] != other.curves()[1]["reward/total"]


@pytest.mark.parametrize("credit", ["grpo", "reinforce"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path, stop: int, credit: str) -> None:
    """Stopped at a step with a checkpoint of its own, between two checkpoints, and with a method that has a past."""
    optimiser = Optimiser(learning_rate=1e-2, warmup_steps=3, passes=2, micro_groups=2, weight_decay=0.01)
    spec = tiny_spec(tmp_path, credit=Pick("credit", credit), optimiser=optimiser)
    whole = ran(spec, tmp_path / "whole")
    first = MemoryLedger(tmp_path / "parts", stop_after=stop)
    with pytest.raises(Stopped):
        train(spec, first)
    assert [event.step for event in first.kind("checkpoint")][-1] == stop
    second = ran(spec, tmp_path / "parts", resume=True)
    assert first.curves() | second.curves() == whole.curves()
    assert first.files | second.files == whole.files
    assert weights(second, 4) == weights(whole, 4)
    assert [e.data for e in (*first.kind("front"), *second.kind("front")) if e.step > stop] == [
        e.data for e in whole.kind("front") if e.step > stop
    ]


def test_a_worker_killed_between_a_checkpoint_and_its_events_leaves_no_hole(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path)

    class Dying(MemoryLedger):
        def write(self, events: list[Any]) -> None:
            if any(event.kind == "checkpoint" for event in events):
                raise KeyboardInterrupt  # as good as a kill: nothing of this step is told
            super().write(events)

    dead = Dying(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        train(spec, dead)
    assert max(dead.curves()) == 1
    second = ran(spec, tmp_path / "a", resume=True)
    whole = ran(spec, tmp_path / "b")
    assert dead.curves() | second.curves() == whole.curves()
    assert second.kind("checkpoint")[0].data["step"] == 2


def test_resume_without_a_checkpoint_starts_from_nothing(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path)
    assert ran(spec, tmp_path / "a", resume=True).curves() == ran(spec, tmp_path / "b").curves()


def test_a_longer_run_goes_on_from_a_shorter_one_and_other_changes_are_refused(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, budget=Budget(steps=2, eval_every=0, checkpoint_every=0))
    ran(spec, tmp_path)
    longer = ran(replace(spec, budget=replace(spec.budget, steps=3)), tmp_path, resume=True)
    assert max(longer.curves()) == 3
    with pytest.raises(RunError, match="temperature changed") as caught:
        ran(replace(spec, temperature=0.5), tmp_path, resume=True)
    assert caught.value.where == "checkpoint"


def test_micro_batches_do_not_change_the_step(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, budget=Budget(steps=1, eval_every=0, checkpoint_every=0))
    curves = [
        ran(replace(spec, optimiser=replace(spec.optimiser, micro_groups=groups)), tmp_path / str(groups)).curves()[1]
        for groups in (0, 1, 2)
    ]
    for name in ("loss", "grad_norm", "kl", "reward/total"):
        assert curves[1][name] == pytest.approx(curves[0][name], rel=1e-4, abs=1e-7), name
        assert curves[2][name] == pytest.approx(curves[0][name], rel=1e-4, abs=1e-7), name


def test_reward_rises_on_a_two_armed_world(tmp_path: Path) -> None:
    """One token a completion, and half of what the model may say is rewarded: the share must go from a half to nine
    tenths (chance alone: sixteen standard deviations)."""
    spec = tiny_spec(
        tmp_path,
        rewards=(RewardPick("arm", "format", {"pattern": "[a-m ]*[a-mA-M0-4]", "match": "whole"}),),
        regularisers=(),
        batch_prompts=8,
        siblings=8,
        max_new_tokens=1,
        budget=Budget(steps=30, eval_every=0, checkpoint_every=0),
    )
    curves = ran(spec, tmp_path).curves()
    assert curves[1]["reward/arm"] < 0.6
    assert curves[30]["reward/arm"] > 0.9


def test_the_stored_rows_say_what_happened(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path)
    ledger = ran(spec, tmp_path)
    stored = rows(ledger, 3)
    assert len(stored) == 16
    for row in stored:
        streams = [name for name in row if name.startswith("stream.")]
        assert {"stream.reward", "stream.advantage", "stream.logp", "stream.ref_logp", "stream.entropy"} < set(streams)
        assert all(len(row[name]) == row["length"] == len(row["pieces"]) == len(row["token_ids"]) for name in streams)
        assert sum(row["stream.reward"]) == pytest.approx(row["reward_total"], abs=1e-6)
        assert row["reward_total"] == pytest.approx(row["reward.short"] + 0.5 * row["reward.the"])
        assert row["advantage"] == pytest.approx(sum(row["stream.advantage"]) / row["length"], abs=1e-6)
        assert row["stream.ratio"] == pytest.approx([1.0] * row["length"], abs=1e-4)
    preview = next(e.data for e in ledger.kind("rollouts") if e.step == 3)
    assert preview["count"] == 16
    assert len(preview["preview"]) == 8
    assert [row["group"] for row in preview["preview"]] == [0, 1, 2, 3, 0, 1, 2, 3]
    shown = preview["preview"][0]
    assert shown["completion"] == stored[0]["completion"]
    assert shown["rewards"]["short"] == stored[0]["reward.short"]
    assert [row["columns"] for row in stored] == ["{}"] * 16


def test_held_out_prompts_are_never_trained_on(tmp_path: Path) -> None:
    from workers.engine.prompts import make_source

    spec = tiny_spec(tmp_path)
    source = make_source(spec.prompts, 0)
    held = {problem.prompt for problem in source.heldout(1000)}
    laps = [source.batch(step, 4) for step in range(1, 21)]
    trained = [problem.prompt for batch in laps for problem in batch]
    assert held
    assert not held & set(trained)
    assert len(held) + len(set(trained)) == 40
    lap = 40 - len(held)
    assert len(set(trained[:lap])) == lap, "every row once before any comes again"
    assert trained[lap : 2 * lap] != trained[:lap], "in another order"


def test_bfloat16_and_another_temperature_run(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, precision="bfloat16", temperature=0.6, budget=Budget(steps=1, eval_every=0))
    assert ran(spec, tmp_path).curves()[1]["mismatch"] > 0


def test_the_global_sources_of_randomness_are_settled_each_step(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, budget=Budget(steps=2, eval_every=0, checkpoint_every=0))
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        ran(spec, tmp_path / str(seed))
        drawn.append(float(torch.rand(())))
    assert drawn[0] == drawn[1]
