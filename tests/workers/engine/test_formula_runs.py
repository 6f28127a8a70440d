"""Formulas in whole runs: the numbers of the methods they spell out, and the same however a batch is cut."""

from dataclasses import replace
from pathlib import Path

import torch

from tests.workers.engine.test_run import ran
from tests.workers.tiny import tiny_spec
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.spec import Budget, Optimiser, Pick, RewardPick, RunSpec

GRPO = Pick("credit", "formula:1@1", source="(r - mean(r, group)) / (std(r, group) + 1e-6)")
CLIP = Pick("objectives", "formula:2@1", source="-min(ratio * A, clip(ratio, 1 - 0.2, 1 + 0.2) * A)")
GROUPS = Pick(
    "objectives",
    "formula:3@3",
    source="gap = mean(logp - ref_logp, completion)\n"
    "(gap - mean(gap, group)) ** 2 - ratio * A * rank(r, group) / count(r, group) + 0.1 * progress * std(logp, group)",
)


def short(folder: Path, **changes: object) -> RunSpec:
    """Two steps, on rewards that an untrained model earns now and then."""
    budget = Budget(steps=2, eval_every=0, eval_prompts=4, checkpoint_every=0)
    letters = tuple(RewardPick(name, "format", {"pattern": name, "match": "anywhere"}, 0.5) for name in ("a", "[t-z]"))
    return tiny_spec(folder, budget=budget, rewards=letters, **changes)


def test_a_run_on_formulas_is_the_run_on_the_methods_they_spell_out(tmp_path: Path) -> None:
    plain = short(tmp_path, optimiser=Optimiser(learning_rate=1e-2, passes=2))
    written = replace(plain, credit=GRPO, objective=CLIP)
    assert troubles(written, read_catalogue()) == []
    one, other = (ran(spec, tmp_path / name) for name, spec in (("plain", plain), ("written", written)))
    for expected, found in zip(one.kind("metrics"), other.kind("metrics"), strict=True):
        for name in ("loss", "grad_norm", "reward/total", "regularisers/kl"):
            if name in expected.data["values"]:
                torch.testing.assert_close(
                    found.data["values"][name], expected.data["values"][name], rtol=1e-5, atol=1e-7
                )
        assert expected.data["values"]["grad_norm"] > 0.01


def test_micro_batches_do_not_change_an_objective_over_groups(tmp_path: Path) -> None:
    """The second step sees the policy away from the reference, so every term of the formula counts."""
    whole = short(tmp_path, objective=GROUPS)
    cut = replace(whole, optimiser=replace(whole.optimiser, micro_groups=1))
    assert troubles(whole, read_catalogue()) == []
    one, other = (ran(spec, tmp_path / name).kind("metrics") for name, spec in (("whole", whole), ("cut", cut)))
    for expected, found in zip(one, other, strict=True):
        for name in ("loss", "grad_norm", "objectives/gap"):
            torch.testing.assert_close(found.data["values"][name], expected.data["values"][name], rtol=1e-4, atol=1e-6)
    assert abs(one[-1].data["values"]["objectives/gap"]) > 0.01
