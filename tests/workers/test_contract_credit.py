"""What every credit method promises, tried on the awkward batch over the whole catalogue."""

from dataclasses import replace

import pytest
import torch

from tests.workers.stage import NAN, Stage, departs, names, padded, rows, run_credit, stage, variants
from workers.engine.load import load

EVERY = pytest.mark.parametrize(("name", "params"), variants("credit"))
IN_GROUP, NOTHING, ORDER = "stays in its group", "nothing for nothing", "the order of rows does not matter"
PROMISES = (IN_GROUP, NOTHING, ORDER)
# The rows of the prompts that have siblings: where there are none, bundles of prompts have one member each.
SIBLINGS = list(range(8))


def keeping(*promises: str) -> pytest.MarkDecorator:
    """Every method that keeps these promises, with all its settings; one that departs from one is tried below."""
    loyal = [name for name in names("credit") if not any(departs(load("credit", name), one) for one in promises)]
    return pytest.mark.parametrize(("name", "params"), [pair for pair in variants("credit") if pair[0] in loyal])


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@EVERY
def test_it_is_finite_and_zero_outside_the_mask(name: str, params: dict[str, object]) -> None:
    made = stage()
    credit = run_credit(name, made, params)
    assert credit.advantage_NT.shape == made.mask_NT.shape
    assert credit.advantage_NT.isfinite().all()
    assert (credit.advantage_NT[~made.mask_NT] == 0).all()
    assert (run_credit(name, rows(made, SIBLINGS), params).advantage_NT != 0).any()


@EVERY
def test_it_is_blind_to_what_stands_behind_the_mask(name: str, params: dict[str, object]) -> None:
    clean = run_credit(name, stage(junk=0.0), params).advantage_NT
    for junk in (1e6, NAN):
        close(run_credit(name, stage(junk=junk), params).advantage_NT, clean)


@EVERY
def test_it_is_blind_to_padding(name: str, params: dict[str, object]) -> None:
    made = stage()
    wide = run_credit(name, padded(made, 3), params).advantage_NT
    close(wide[:, :-3], run_credit(name, made, params).advantage_NT)
    assert (wide[:, -3:] == 0).all()


@keeping(ORDER)
def test_the_order_of_rows_does_not_matter(name: str, params: dict[str, object]) -> None:
    made, order = stage(), [7, 3, 9, 0, 5, 1, 8, 2, 6, 4]
    shuffled = run_credit(name, rows(made, order), params).advantage_NT
    close(shuffled, run_credit(name, made, params).advantage_NT[order])


@keeping(IN_GROUP)
def test_it_stays_in_its_group(name: str, params: dict[str, object]) -> None:
    before, after = others_when_one_changes(name, stage(), params)
    assert torch.equal(before, after)


def others_when_one_changes(name: str, made: Stage, params: dict[str, object]) -> list[torch.Tensor]:
    """What the groups beside the first are owed, before and after one of its completions earns more."""
    changed_NT = made.reward_NT.clone()
    changed_NT[0, 5] += 3.0
    others = made.rollouts.group_N != 0
    return [
        run_credit(name, made, params, reward_NT=told).advantage_NT[others] for told in (made.reward_NT, changed_NT)
    ]


@keeping(NOTHING)
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1, -7.3])
def test_nothing_for_nothing(name: str, params: dict[str, object], reward: float) -> None:
    assert owed_for_equal_rewards(name, params, reward) <= 1e-6


def owed_for_equal_rewards(name: str, params: dict[str, object], reward: float) -> float:
    """The largest advantage when every completion earns the same."""
    told = rows(stage(), list(range(9)))  # the row without a token cannot carry the reward
    equal_NT = torch.full(told.mask_NT.shape, NAN).where(~told.mask_NT, 0.0)
    for row in range(len(equal_NT)):
        equal_NT[row, int(told.mask_NT[row].nonzero()[-1])] = reward
    return float(run_credit(name, told, params, reward_NT=equal_NT).advantage_NT.abs().max())


@keeping(IN_GROUP, NOTHING)
def test_a_group_of_one_owes_nothing_unless_groups_do_not_matter(name: str, params: dict[str, object]) -> None:
    alone = run_credit(name, stage(), params).advantage_NT[8]
    assert (alone == 0).all()


@EVERY
def test_no_gradient_comes_through(name: str, params: dict[str, object]) -> None:
    made = stage()
    made = replace(made, reward_NT=made.reward_NT.requires_grad_(), value_NT=made.value_NT.requires_grad_())
    credit = run_credit(name, made, params)
    assert not credit.advantage_NT.requires_grad
    assert not any(kept.requires_grad for kept in credit.memory.values())


@EVERY
def test_it_leaves_what_it_was_given_as_it_was(name: str, params: dict[str, object]) -> None:
    made, kept = stage(), stage()
    run_credit(name, made, params)
    assert torch.equal(made.reward_NT, kept.reward_NT)
    assert torch.equal(made.rollouts.token_NT, kept.rollouts.token_NT)


@EVERY
def test_memory_is_tensors_and_only_for_those_who_ask(name: str, params: dict[str, object]) -> None:
    made = stage()
    memory = run_credit(name, made, params).memory
    assert bool(memory) == load("credit", name).needs("memory")
    assert all(isinstance(kept, torch.Tensor) and kept.isfinite().all() for kept in memory.values())
    again = run_credit(name, made, params, memory=memory)
    assert again.memory.keys() == memory.keys()


@EVERY
def test_the_same_twice_is_the_same(name: str, params: dict[str, object]) -> None:
    first, second = (run_credit(name, stage(), params).advantage_NT for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", names("credit"))
def test_whoever_departs_from_a_promise_breaks_it(name: str) -> None:
    said = {departure.promise for departure in load("credit", name).method.card.departs}
    assert said <= set(PROMISES)
    made = rows(stage(), SIBLINGS)
    if IN_GROUP in said:
        assert not torch.equal(*others_when_one_changes(name, made, {}))
    if NOTHING in said:
        assert max(owed_for_equal_rewards(name, {}, reward) for reward in (0.0, 1.0)) > 1e-3
    if ORDER in said:
        order = [3, 4, 0, 7, 1, 2, 6, 5]
        shuffled = run_credit(name, rows(made, order), {}).advantage_NT
        assert not torch.allclose(shuffled, run_credit(name, made, {}).advantage_NT[order])


@EVERY
def test_a_critics_targets_are_numbers_without_gradient(name: str, params: dict[str, object]) -> None:
    made = stage()
    made = replace(made, value_NT=made.value_NT.requires_grad_())
    target_NT = run_credit(name, made, params).target_NT
    assert (target_NT is not None) == load("credit", name).needs("value_NT")
    if target_NT is not None:
        assert target_NT.isfinite().all()
        assert not target_NT.requires_grad
        assert (target_NT[~made.mask_NT] == 0).all()


def test_the_stage_is_awkward() -> None:
    made: Stage = stage()
    lengths = made.mask_NT.sum(1).tolist()
    assert {0, 1, 6} <= set(lengths)
    holes = [row for row in range(10) if not made.mask_NT[row, : int(lengths[row])].all()]
    assert holes == [2]
    assert (made.reward_NT[~made.mask_NT] == 1e6).all()
