"""What every objective promises, tried on the awkward batch over the whole catalogue."""

from dataclasses import replace

import pytest
import torch

from tests.workers.pushed import pushes
from tests.workers.stage import NAN, departs, names, rows, stage, variants
from workers.engine.load import load

KIND = "objectives"
NO_PUSH = "no advantage, no push"
PROMISES = (NO_PUSH,)
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))
CREDITED = [(name, params) for name, params in variants(KIND) if load(KIND, name).needs("advantage_NT")]
WITH_ADVANTAGES = pytest.mark.parametrize(("name", "params"), CREDITED)
OF_GROUPS = [(name, params) for name, params in variants(KIND) if load(KIND, name).method.card.unit == "group"]
JUNKS = pytest.mark.parametrize("junk", [1e6, NAN])


@EVERY
@JUNKS
def test_it_is_silent_outside_the_mask_in_value_and_gradient(name: str, params: dict[str, object], junk: float) -> None:
    made = stage(junk=junk)
    noisy = replace(made, advantage_NT=torch.where(made.mask_NT, made.advantage_NT, junk))
    _, value, gradient = pushes(name, noisy, params)
    if value.shape == made.mask_NT.shape:
        assert (value[~made.mask_NT] == 0).all()
    assert (gradient["logp"][~made.mask_NT] == 0).all()
    _, clean, clean_gradient = pushes(name, stage(junk=0.0), params)
    torch.testing.assert_close(value, clean)
    torch.testing.assert_close(gradient["logp"], clean_gradient["logp"])


@EVERY
def test_it_is_finite_at_the_extremes(name: str, params: dict[str, object]) -> None:
    loss, value, gradient = pushes(name, stage(extremes=True), params)
    assert value.isfinite().all()
    assert gradient["logp"].isfinite().all()
    assert gradient["logp"].norm().isfinite()
    assert all(number.isfinite().all() for number in loss.statistics.values())


@WITH_ADVANTAGES
def test_at_ratio_one_its_gradient_is_the_policy_gradient(name: str, params: dict[str, object]) -> None:
    """For every token; a loss of groups may divide all of it by one constant, as no reduction does it."""
    made = stage()
    level = replace(made, now=replace(made.now, logp_NT=made.was.logp_NT.clone()))
    _, _, gradient = pushes(name, level, params)
    plain_NT = torch.where(made.mask_NT, -made.advantage_NT, 0.0)
    if load(KIND, name).method.card.unit == "group":
        plain_NT = plain_NT * gradient["logp"].norm() / plain_NT.norm()
    torch.testing.assert_close(gradient["logp"], plain_NT)


@WITH_ADVANTAGES
def test_no_advantage_no_push_unless_it_says_so(name: str, params: dict[str, object]) -> None:
    made = stage(extremes=True)
    _, _, gradient = pushes(name, replace(made, advantage_NT=torch.zeros_like(made.advantage_NT)), params)
    assert bool((gradient["logp"] == 0).all()) != departs(load(KIND, name), NO_PUSH)


@EVERY
def test_no_gradient_goes_into_the_past(name: str, params: dict[str, object]) -> None:
    _, _, gradient = pushes(name, stage(), params)
    assert (gradient["logp"] != 0).any()
    for past in ("was", "ref", "advantage"):
        assert (gradient[past] == 0).all(), past


@EVERY
def test_statistics_have_one_number_a_token_and_no_gradient(name: str, params: dict[str, object]) -> None:
    made = stage()
    for number in pushes(name, made, params)[0].statistics.values():
        assert number.shape == made.mask_NT.shape
        assert (number[~made.mask_NT] == 0).all()
        assert not number.requires_grad


@pytest.mark.parametrize(("name", "params"), OF_GROUPS)
def test_a_loss_of_groups_has_one_for_each_and_none_knows_of_the_others(name: str, params: dict[str, object]) -> None:
    """So micro-batches, which never split a group, change nothing."""
    made = stage()
    _, value_P, gradient = pushes(name, made, params)
    numbers = torch.unique(made.rollouts.group_N).tolist()
    assert value_P.shape == (len(numbers),)
    for place, number in enumerate(numbers):
        row_R = (made.rollouts.group_N == number).nonzero().squeeze(1)
        _, alone, alone_gradient = pushes(name, rows(made, row_R.tolist()), params)
        torch.testing.assert_close(alone, value_P[place : place + 1])
        torch.testing.assert_close(alone_gradient["logp"], gradient["logp"][row_R])


@EVERY
def test_the_order_of_rows_does_not_matter(name: str, params: dict[str, object]) -> None:
    made, order = stage(), [7, 3, 9, 0, 5, 1, 8, 2, 6, 4]
    _, value, gradient = pushes(name, made, params)
    _, shuffled, shuffled_gradient = pushes(name, rows(made, order), params)
    torch.testing.assert_close(shuffled, value[order] if value.dim() == 2 else value)
    torch.testing.assert_close(shuffled_gradient["logp"], gradient["logp"][order])


@pytest.mark.parametrize("name", names(KIND))
def test_departures_name_promises_of_this_kind(name: str) -> None:
    method = load(KIND, name).method
    assert all(departure.promise in PROMISES for departure in method.card.departs)
    assert method.card.unit in ("token", "group")
