"""What the engine makes for methods that ask: gradients of each reward, whole vocabularies, values, steps, schedules,
several losses and losses of groups; each against a plain computation."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.workers.planted import planted
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.spec import Companion, Extra, Optimiser, Pick
from workers.engine.history import History
from workers.engine.judges import close_all
from workers.engine.learner import Learner, make_learner
from workers.engine.masks import masked, per_row, spread
from workers.engine.recipe import Part
from workers.engine.run import train
from workers.engine.segments import steps_of
from workers.engine.step import Step, take_step
from workers.engine.tensors import Credit, GroupLoss, Loss, OverVocabulary, Pass, Progress, Rollouts, Shaped, Weights


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Learner]:
    """A tiny run of two prompts with three completions each, without a regulariser."""
    made = make_learner(tiny_spec(tmp_path, batch_prompts=2, siblings=3, regularisers=()), lambda *_: None)
    yield made
    close_all(made.objectives)


def stepped(learner: Learner, step: int = 1, **parts: Part | tuple[Part, ...] | bool | None) -> Step:
    learner.recipe = replace(learner.recipe, **parts)  # type: ignore[arg-type]
    return take_step(learner, step)


def flat(learner: Learner, objective: Callable[[Pass], Tensor], rollouts: Rollouts) -> Tensor:
    """The gradient of a loss of the policy's pass, in one line."""
    learner.policy.model.zero_grad()
    torch.autograd.backward(objective(learner.policy.read(rollouts)))
    return torch.cat([w.grad.flatten() for w in learner.policy.model.parameters() if w.grad is not None])


def test_inner_products_are_those_of_the_rewards_own_gradients(learner: Learner) -> None:
    """Rewards (K = 2) credited by their own centred values: the Gram matrix against gradients taken one by one."""
    seen: dict[str, Tensor] = {}
    kept: list[Rollouts] = []

    def credit(rollouts: Rollouts, reward_NT: Tensor) -> Credit:
        kept[:] = [rollouts]
        return Credit(spread(per_row(reward_NT, rollouts.mask_NT) - 0.25, rollouts.mask_NT))

    def weigh(weight_K: Tensor, reward_NK: Tensor, gram_KK: Tensor) -> Weights:
        seen.update(gram=gram_KK, reward=reward_NK, weight=weight_K)
        rollouts = kept[0]
        count = rollouts.mask_NT.sum()

        def loss(k: int) -> Callable[[Pass], Tensor]:
            def of(now: Pass) -> Tensor:
                ratio_NT = (masked(now.logp_NT, now.mask_NT) - masked(rollouts.logp_NT, now.mask_NT)).exp()
                return -(masked(ratio_NT * (reward_NK[:, k] - 0.25)[:, None], now.mask_NT)).sum() / count

            return of

        line_KX = torch.stack([flat(learner, loss(k), rollouts) for k in (0, 1)])
        torch.testing.assert_close(gram_KK, line_KX @ line_KX.T, rtol=1e-4, atol=1e-7)
        return Weights(torch.tensor([0.3, 0.7]))

    learner.policy.model.zero_grad()
    made = stepped(learner, credit=planted("credit", credit), weighting=planted("weighting", weigh))
    assert seen["weight"].tolist() == [1.0, 0.5]
    assert seen["gram"][0, 0] > 0
    assert (made.metrics["weighting/short"], made.metrics["weighting/the"]) == pytest.approx((0.3, 0.7))
    total_N = (seen["reward"] * torch.tensor([0.3, 0.7])).sum(dim=1)
    torch.testing.assert_close(torch.tensor(made.table.streams["reward"]).sum(dim=1), total_N)


def test_credit_first_weighs_advantages_instead_of_rewards(learner: Learner) -> None:
    """A credit that squares the reward tells the two orders apart: Σ w r² against (Σ w r)²."""
    rewards: list[Tensor] = []

    def credit(rollouts: Rollouts, reward_NT: Tensor, reward_NK: Tensor) -> Credit:
        rewards[:] = [reward_NK]
        return Credit(spread(per_row(reward_NT, rollouts.mask_NT).square(), rollouts.mask_NT))

    weights = torch.tensor([1.0, 0.5])
    first = stepped(learner, credit=planted("credit", credit), credit_first=True)
    expected_N = (weights * rewards[0].square()).sum(dim=1)
    torch.testing.assert_close(torch.tensor(first.table.streams["advantage"])[:, 0], expected_N)
    second = stepped(learner, credit_first=False)
    torch.testing.assert_close(
        torch.tensor(second.table.streams["advantage"])[:, 0], (weights * rewards[0]).sum(dim=1).square()
    )


def test_shaping_keeps_its_memory_and_what_does_not_apply_stays_out(learner: Learner) -> None:
    def shape(value_NK: Tensor, valid_NK: Tensor, memory: dict[str, Tensor]) -> Shaped:
        assert valid_NK.all()
        seen = memory.get("seen", torch.tensor(0)) + 1
        return Shaped(value_NK + 10 * seen, {"seen": seen})

    part = planted("shaping", shape)
    first, second = stepped(learner, 1, shaping=(part,)), stepped(learner, 2)
    means = [float(torch.tensor(made.table.streams["reward"]).sum(dim=1).mean()) for made in (first, second)]
    # Both rewards rise by 10 a step, with weights 1 and 0.5.
    assert means[0] == pytest.approx(15 + sum(first.table.columns["reward_total"]) / 6, abs=1e-4)
    assert means[1] == pytest.approx(30 + sum(second.table.columns["reward_total"]) / 6, abs=1e-4)


def test_one_shaping_twice_has_two_memories(learner: Learner) -> None:
    """Each adds as many to its own reward as there were steps; with one memory the counts would be of both."""

    def on(reward: int) -> Part:
        def shape(value_NK: Tensor, memory: dict[str, Tensor]) -> Shaped:
            seen = memory.get("seen", torch.tensor(0)) + 1
            return Shaped(value_NK + seen * torch.eye(2)[reward], {"seen": seen})

        return planted("shaping", shape)

    learner.recipe = replace(learner.recipe, shaping=(on(0), on(1)))
    for step in (1, 2):
        made = take_step(learner, step)
        mean = float(torch.tensor(made.table.streams["reward"]).sum(dim=1).mean())
        assert mean == pytest.approx(1.5 * step + sum(made.table.columns["reward_total"]) / 6, abs=1e-4)
    assert [int(memory["seen"]) for memory in learner.supply.memories.values()] == [2, 2]


def test_whole_vocabularies_are_those_of_the_network(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second pass: KL(now || was) over the vocabulary from two plain forward passes; and cut into chunks."""
    before = {name: weight.clone() for name, weight in learner.policy.model.state_dict().items()}
    passes: list[Tensor] = []

    def objective(now: Pass, was: Pass, advantage_NT: Tensor, over_vocabulary: OverVocabulary) -> Loss:
        kl_NT = over_vocabulary(lambda now_MV, was_MV: (now_MV.exp() * (now_MV - was_MV)).sum(dim=-1))
        passes.append(kl_NT.detach())
        if len(passes) == 2:
            plain_NT = plain_kl(learner, before, kept[0])
            torch.testing.assert_close(kl_NT.detach(), plain_NT, rtol=1e-4, atol=1e-6)
            assert kl_NT.max() > 1e-4
        return Loss(kl_NT - masked((now.logp_NT - was.logp_NT.detach()).exp() * advantage_NT, now.mask_NT))

    kept: list[Rollouts] = []

    def credit(rollouts: Rollouts, reward_NT: Tensor) -> Credit:
        kept[:] = [rollouts]
        return Credit(spread(per_row(reward_NT, rollouts.mask_NT), rollouts.mask_NT))

    monkeypatch.setattr("workers.engine.vocabulary.CHUNK_NUMBERS", 3 * 300)
    learner.spec = replace(learner.spec, optimiser=Optimiser(learning_rate=1e-2, passes=2))
    stepped(learner, objective=planted("objectives", objective), credit=planted("credit", credit))
    assert passes[0].abs().max() < 1e-6


def plain_kl(learner: Learner, before: dict[str, Tensor], rollouts: Rollouts) -> Tensor:
    """KL(now || before) at each chosen token from whole logits, one row after the other."""
    model = copy.deepcopy(learner.policy.model)  # the one under test is in the middle of a backward pass
    found = torch.zeros(rollouts.mask_NT.shape)
    logps = []
    for weights in (model.state_dict(), before):
        model.load_state_dict(weights)
        rows = []
        for n in range(len(rollouts.mask_NT)):
            prompt = rollouts.prompt_NL[n][rollouts.prompt_mask_NL[n]]
            ids = torch.cat([prompt, rollouts.token_NT[n]])[None]
            with torch.no_grad():
                rows.append(model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1))
        logps.append(rows)
    for n, (one, other) in enumerate(zip(*logps, strict=True)):
        found[n] = (one.exp() * (one - other)).sum(-1)
    return found * rollouts.mask_NT


def test_losses_of_groups_are_averaged_over_the_whole_batch_whatever_the_micro_batch(tmp_path: Path) -> None:
    """Σ log-probabilities of a group, squared: no sum over rows; two groups in one micro-batch or in two."""

    def objective(now: Pass, group_N: Tensor, reward_N: Tensor) -> GroupLoss:
        sums = [per_row(now.logp_NT, now.mask_NT)[group_N == g].sum().square() for g in torch.unique(group_N)]
        return GroupLoss(torch.stack(sums) * 1e-3)

    losses = []
    for groups in (0, 1):
        spec = tiny_spec(tmp_path, batch_prompts=2, siblings=3, regularisers=())
        made = make_learner(replace(spec, optimiser=Optimiser(1e-3, micro_groups=groups)), lambda *_: None)
        found = stepped(made, objective=planted("objectives", objective))
        close_all(made.objectives)
        weights = torch.cat([w.detach().flatten() for w in made.policy.model.parameters()])
        losses.append((found.metrics["loss"], weights))
        logp_NT = torch.tensor(found.table.streams["logp"])
        plain = sum(float(logp_NT[rows].sum().square()) * 1e-3 for rows in ([0, 1, 2], [3, 4, 5])) / 2
        assert found.metrics["loss"] == pytest.approx(plain, rel=1e-4)
    # Adam's first step magnifies rounding where a gradient is next to nothing: steps are 1e-3 long.
    torch.testing.assert_close(losses[0][1], losses[1][1], rtol=1e-4, atol=5e-5)


def test_several_losses_are_summed_with_their_weights(tmp_path: Path) -> None:
    """An extra with weight 2 beside the objective: the loss is theirs together."""
    values = []
    for extras in ((), (Extra("policy_gradient", weight=2.0),)):
        made = make_learner(tiny_spec(tmp_path, regularisers=(), extras=extras), lambda *_: None)
        found = take_step(made, 1)
        close_all(made.objectives)
        values.append(found.metrics["loss"])
        advantage, logp = (torch.tensor(found.table.streams[name]) for name in ("advantage", "logp"))
        tokens = sum(found.table.columns["length"])
        gradient_loss = float(-(advantage * logp).sum() / tokens)
    assert values[1] == pytest.approx(values[0] + 2 * gradient_loss, rel=1e-3, abs=1e-5)


def test_a_schedule_moves_with_the_run(learner: Learner) -> None:
    """From 0.1 to 0.5 over half of four steps: 0.1, 0.3, 0.5, 0.5."""
    part = replace(learner.recipe.objective, params={"eps_high": {"start": 0.1, "end": 0.5, "share": 0.5}})
    learner.recipe = replace(learner.recipe, objective=part)
    shares = [Progress(step, 4).share for step in (1, 2, 3, 4)]
    found = [learner.recipe.at(share).objective.params["eps_high"] for share in shares]
    assert found == pytest.approx([0.1, 0.3, 0.5, 0.5])


def test_a_step_of_a_completion_is_a_line(learner: Learner) -> None:
    ids = learner.loaded.tokenizer("the cat\nsat\n\non", add_special_tokens=False)["input_ids"]
    pieces = learner.pieces.of(ids)
    rollouts = one_row(ids)
    expected, line = [], 0
    for piece in pieces:
        expected.append(line)
        line += "\n" in piece
    assert steps_of(learner.pieces, rollouts).tolist() == [expected]
    assert line == 3


def one_row(ids: list[int]) -> Rollouts:
    from workers.contract.answers import FINISHED, Answers

    token_NT = torch.tensor([ids])
    ones = torch.ones(token_NT.shape, dtype=torch.bool)
    answers = Answers(("",), ("",), (len(ids),), (FINISHED,))
    return Rollouts(
        token_NT[:, :1], ones[:, :1], token_NT, ones, torch.zeros(token_NT.shape), torch.tensor([0]), answers
    )


def test_history_comes_back_from_its_tensors() -> None:
    history = History()
    history.add(["a", "b", "a"], [1.0, 0.0, 0.5])
    history.add(["a"], [0.25])
    other = History()
    other.restore(history.tensors())
    past_PH, drawn_P = other.ahead(["a", "b", "c"])
    assert past_PH[0][:3].tolist() == [0.25, 0.5, 1.0]
    assert past_PH[1][0] == 0.0
    assert past_PH[2].isnan().all()
    assert drawn_P.tolist() == [1, 1, 0]


def test_a_critic_learns_what_states_are_worth(learner: Learner, tmp_path: Path) -> None:
    """A credit whose target is 0.7 everywhere: the critic's values approach it, and its state is restored whole."""
    spec = tiny_spec(tmp_path, companions=(Companion("critic", learning_rate=1e-2, value_clip=0.0),))
    made = make_learner(replace(spec, optimiser=Optimiser(1e-4, passes=4)), lambda *_: None)
    means = []

    def credit(rollouts: Rollouts, reward_NT: Tensor, value_NT: Tensor) -> Credit:
        means.append(float(value_NT[rollouts.mask_NT].mean()))
        advantage_NT = masked(0.7 - value_NT, rollouts.mask_NT)
        return Credit(advantage_NT, torch.full_like(value_NT, 0.7))

    for step in range(1, 9):
        found = stepped(made, step, credit=planted("credit", credit))
    close_all(made.objectives)
    assert means[0] == 0.0, "a critic starts without an opinion"
    assert abs(means[-1] - 0.7) < 0.1
    assert found.metrics["critic/loss"] < 0.05
    assert made.critic is not None
    state = made.critic.tensors()
    other = make_learner(spec, lambda *_: None)
    assert other.critic is not None
    other.critic.restore(state)
    torch.testing.assert_close(other.critic.tensors(), state, rtol=0, atol=0)
    close_all(other.objectives)


def test_ppo_with_a_critic_is_the_same_across_a_resume(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, credit=Pick("credit", "gae"), companions=(Companion("critic", learning_rate=1e-3),))
    whole, cut = MemoryLedger(tmp_path / "1"), MemoryLedger(tmp_path / "2")
    train(spec, whole)
    train(replace(spec, budget=replace(spec.budget, steps=2)), cut)
    train(spec, cut, resume=True)
    assert cut.curves()[4] == whole.curves()[4]
    assert cut.files["rollouts/step-000004.parquet"] == whole.files["rollouts/step-000004.parquet"]
