"""A step on a stock against the definition, row by row with plain forward passes; no cut of it changes its loss."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.tiny import MemoryLedger, make_model, make_tokenizer, tiny_spec
from workers.contract.errors import RunError
from workers.contract.spec import Budget, Companion, Model, Optimiser, Pick, Pool, Prompts, RewardPick, RunSpec
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.preferring import gather_stored
from workers.engine.run import train
from workers.engine.step import take_step
from workers.engine.stock import BAD, GOOD
from workers.engine.tensors import Rollouts

REWARDS = (RewardPick("t", "format", {"pattern": ".*t.*"}), RewardPick("digit", "format", {"pattern": ".*[0-9].*"}))


def offline(folder: Path, name: str, **changes: Any) -> RunSpec:
    settings: dict[str, Any] = {
        "rewards": REWARDS, "objective": Pick("preferences", name), "credit": None, "regularisers": (),
        "pool": Pool(10, 4, 1), "optimiser": Optimiser(learning_rate=3e-3), "batch_prompts": 4,
    }  # fmt: skip
    return tiny_spec(folder, **(settings | changes))


@contextmanager
def learning(spec: RunSpec) -> Iterator[Learner]:
    learner = make_learner(spec, lambda *_: None)
    yield learner
    close_all(learner.objectives)


@torch.no_grad()
def sums(model: torch.nn.Module, prompts: list[Tensor], completions: list[Tensor]) -> list[float]:
    """ln π of whole completions, one forward pass each."""
    found = []
    for prompt, completion in zip(prompts, completions, strict=True):
        logits = model(input_ids=torch.cat([prompt, completion])[None]).logits[0, len(prompt) - 1 : -1]
        found.append(float(logits.double().log_softmax(-1).gather(1, completion[:, None]).sum()))
    return found


def texts(rollouts: Rollouts) -> tuple[list[Tensor], list[Tensor]]:
    prompts = [row[here] for row, here in zip(rollouts.prompt_NL, rollouts.prompt_mask_NL, strict=True)]
    return prompts, [row[here] for row, here in zip(rollouts.token_NT, rollouts.mask_NT, strict=True)]


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_the_loss_of_pairs_is_its_definition_after_the_policy_has_moved(tmp_path: Path) -> None:
    with learning(offline(tmp_path, "dpo")) as learner:
        reference = copy.deepcopy(learner.policy.model)
        take_step(learner, 1)
        gathered = gather_stored(learner, 2)
        prompts, completions = texts(gathered.rollouts)
        pairs = zip(
            sums(learner.policy.model, prompts, completions), sums(reference, prompts, completions), strict=True
        )
        gain = [now - then for now, then in pairs]
        groups, good = gathered.rollouts.group_N.tolist(), (gathered.tag_N == GOOD).tolist()
        losses, ahead = [], 0
        for pair in range(4):
            better, worse = (
                gain[n] for side in (True, False) for n in range(8) if (groups[n], good[n]) == (pair, side)
            )
            losses.append(-log(sigmoid(0.1 * (better - worse))))
            ahead += better > worse
        made = take_step(learner, 2)
    assert made.metrics["loss"] == pytest.approx(sum(losses) / 4, rel=1e-4)
    assert abs(sum(losses) / 4 - log(2)) > 1e-3, "the policy has moved"
    assert made.metrics["preferences/accuracy"] == ahead / 4
    total = [value if value is not None else float("nan") for value in gathered.scored.total]
    for pair in range(4):
        earned = {good[n]: total[n] for n in range(8) if groups[n] == pair}
        assert earned[True] > earned[False]


def test_at_the_reference_every_token_is_pushed_by_half_of_beta(tmp_path: Path) -> None:
    """The loss of a pair there is ln 2, its slope at each token -β/2 on the better and β/2 on the worse side."""
    with learning(offline(tmp_path, "dpo")) as learner:
        good_N = gather_stored(learner, 1).tag_N == GOOD
        made = take_step(learner, 1)
    assert made.metrics["loss"] == pytest.approx(log(2), rel=1e-6)
    push_NT = torch.tensor(made.table.streams["advantage"])
    for row, length in enumerate(made.table.columns["length"]):
        expected = torch.full((length,), 0.05 if good_N[row] else -0.05)
        torch.testing.assert_close(push_NT[row, :length], expected, rtol=1e-4, atol=1e-6)
        assert made.table.columns["advantage"][row] == pytest.approx(float(expected[0]), rel=1e-4)


def test_labels_are_measured_from_completions_behind_other_prompts(tmp_path: Path) -> None:
    """KTO's definition, row by row, with its estimate of KL from each row's prompt and the row before's completion.
    Only good ones are learned from, so that the estimate is not held at 0."""
    kto = Pick("preferences", "kto", {"bad_weight": 0.0})
    spec = offline(tmp_path, "kto", objective=kto, pool=Pool(8, 2, 1), budget=Budget(steps=12))
    with learning(spec) as learner:
        reference = copy.deepcopy(learner.policy.model)
        for step in range(1, 6):
            take_step(learner, step)
        gathered = gather_stored(learner, 6)
        prompts, completions = texts(gathered.rollouts)
        model = learner.policy.model
        other = completions[-1:] + completions[:-1]
        crossed = zip(sums(model, prompts, other), sums(reference, prompts, other), strict=True)
        kl = max(0.0, sum(now - then for now, then in crossed) / len(other))
        own = zip(sums(model, prompts, completions), sums(reference, prompts, completions), strict=True)
        sign = [1 if good else -1 for good in (gathered.tag_N == GOOD).tolist()]
        losses = [(s > 0) * (1 - sigmoid(0.1 * (now - then - kl))) for s, (now, then) in zip(sign, own, strict=True)]
        made = take_step(learner, 6)
    assert len(losses) == 8
    assert kl > 0.1
    assert {1, -1} == set(sign)
    assert made.metrics["loss"] == pytest.approx(sum(losses) / 8, rel=1e-4)


ALWAYS, NEVER = (RewardPick("same", "format", {"pattern": pattern}) for pattern in (".*", "x{99}"))
CODE = "def reward(prompts, completions, **columns):\n    return [{value}] * len(completions)\n"


@pytest.mark.parametrize(
    ("rewards", "side"),
    [
        ((ALWAYS,), GOOD),
        ((NEVER,), BAD),
        ((replace(ALWAYS, weight=0.3),), GOOD),
        ((replace(ALWAYS, weight=-1.0),), BAD),
        ((replace(NEVER, weight=-1.0),), GOOD),
        ((replace(ALWAYS, weight=3.0), replace(NEVER, label="other")), GOOD),
        ((replace(NEVER, weight=3.0), replace(ALWAYS, label="other")), BAD),
        ((RewardPick("code", "code:1@1", source=CODE.format(value=0.75)),), GOOD),
        ((RewardPick("code", "code:1@1", source=CODE.format(value=0.25)),), BAD),
    ],
)
def test_where_all_earned_the_same_a_label_is_by_the_middle_of_what_they_could(
    tmp_path: Path, rewards: tuple[RewardPick, ...], side: int
) -> None:
    """Halfway between the least and the most that the weighed rewards can add up to; nobody is above the others."""
    with learning(offline(tmp_path, "kto", rewards=rewards, pool=Pool(4, 2, 1))) as learner:
        assert gather_stored(learner, 1).tag_N.tolist() == [side] * 8


@pytest.mark.parametrize(("score", "side"), [(1, GOOD), (0, BAD), (-1, BAD)])
def test_scores_of_a_file_that_are_all_the_same_are_not_weighed(tmp_path: Path, score: int, side: int) -> None:
    tiny_spec(tmp_path)
    rows = [{"prompt": f"the cat {n}+1=", "completion": "the hat", "score": score} for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    prompts = Prompts(path=str(tmp_path / "rows.jsonl"), heldout_share=0.3)
    rewards = (replace(ALWAYS, weight=4.0),)
    with learning(offline(tmp_path, "kto", prompts=prompts, rewards=rewards, pool=Pool(0))) as learner:
        assert gather_stored(learner, 1).tag_N.tolist() == [side] * 8


@pytest.mark.parametrize("name", ["dpo", "kto"])
def test_micro_batches_change_nothing(tmp_path: Path, name: str) -> None:
    found = []
    for groups in (0, 1, 2):
        optimiser = Optimiser(learning_rate=1e-3, micro_groups=groups)
        with learning(offline(tmp_path, name, optimiser=optimiser)) as learner:
            made = [take_step(learner, step) for step in (1, 2)]
            weights = torch.cat([w.detach().flatten() for w in learner.policy.model.parameters()])
        found.append((made[1].metrics["loss"], made[1].metrics["grad_norm"], weights))
    for loss, norm, weights in found[1:]:
        assert (loss, norm) == pytest.approx(found[0][:2], rel=1e-4)
        torch.testing.assert_close(weights, found[0][2], rtol=1e-3, atol=1e-4)


def test_a_group_that_a_step_takes_twice_is_two_groups(tmp_path: Path) -> None:
    spec = offline(tmp_path, "dpo", pool=Pool(3, 2, 1), batch_prompts=5)
    with learning(replace(spec, objective=Pick("objectives", "copg"))) as learner:
        rollouts = gather_stored(learner, 1).rollouts
    assert torch.bincount(rollouts.group_N).tolist() == [2] * 5


def test_a_guide_with_other_tokens_is_refused(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(290)
    make_model("llama", len(tokenizer)).save_pretrained(tmp_path / "guide")
    tokenizer.save_pretrained(tmp_path / "guide")
    companions = (Companion("guide", Model(str(tmp_path / "guide"))),)
    with pytest.raises(RunError, match="has another vocabulary") as caught:
        train(offline(tmp_path, "tgdpo", companions=companions), MemoryLedger(tmp_path))
    assert caught.value.where == "model"


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    ledgers = []
    for devices in (1, 2):
        ledgers.append(MemoryLedger(tmp_path / str(devices)))
        train(replace(offline(tmp_path, "kto"), devices=devices), ledgers[-1])
    one, two = (ledger.curves() for ledger in ledgers)
    for step in (1, 2, 3, 4):
        names = [name for name in one[step] if name == "loss" or name.startswith("preferences/")]
        assert set(names) <= set(two[step])
        assert [two[step][name] for name in names] == pytest.approx([one[step][name] for name in names], abs=1e-3)
        assert two[step]["loss"] == pytest.approx(one[step]["loss"], rel=1e-4)
    assert any("preferences/margin" in one[step] for step in (1, 2, 3, 4))


def test_only_what_is_compared_is_kept_and_ties_are_counted(tmp_path: Path) -> None:
    """One reward of 0 or 1: groups whose completions all earned the same give no pair."""
    spec = offline(tmp_path, "inpo", rewards=REWARDS[1:], pool=Pool(10, 3, 1))
    with learning(spec) as learner:
        made = take_step(learner, 1)
        assert learner.stock is not None
        stored = learner.stock.stored
    assert stored is not None
    pairs = len(learner.stock.units)
    assert 0 < pairs < 10
    assert made.metrics["stock/examples"] == pairs
    assert made.metrics["stock/tied"] == pytest.approx(1 - pairs / 10)
    assert [sorted(unit) for unit in sorted(learner.stock.units)] == [[2 * n, 2 * n + 1] for n in range(pairs)]
    for better, worse in learner.stock.units:
        assert (stored.scored.total[better], stored.scored.total[worse]) == (1.0, 0.0)
        assert stored.problems[better].prompt == stored.problems[worse].prompt
    streams = stored.rollouts.streams
    assert streams["ref_logp"].equal(streams["previous_logp"])
    torch.testing.assert_close(streams["ref_logp"], stored.rollouts.logp_NT, atol=1e-4, rtol=0)
