"""What every objective promises, tried on the awkward batch over the whole catalogue."""

from dataclasses import replace

import pytest
import torch

from tests.workers.stage import NAN, gradients, names, run_loss, stage, variants
from workers.engine.load import load
from workers.engine.tensors import Pass

KIND = "objectives"
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))
JUNKS = pytest.mark.parametrize("junk", [1e6, NAN])


@EVERY
@JUNKS
def test_it_is_silent_outside_the_mask_in_value_and_gradient(name: str, params: dict[str, object], junk: float) -> None:
    made = stage(junk=junk)
    noisy = replace(made, advantage_NT=torch.where(made.mask_NT, made.advantage_NT, junk))
    loss, gradient = gradients(KIND, name, noisy, params)
    assert (loss.token_NT[~made.mask_NT] == 0).all()
    assert (gradient["logp"][~made.mask_NT] == 0).all()
    clean, clean_gradient = gradients(KIND, name, stage(junk=0.0), params)
    torch.testing.assert_close(loss.token_NT, clean.token_NT)
    torch.testing.assert_close(gradient["logp"], clean_gradient["logp"])


@EVERY
def test_it_is_finite_at_the_extremes(name: str, params: dict[str, object]) -> None:
    made = stage(extremes=True)
    loss, gradient = gradients(KIND, name, made, params)
    assert loss.token_NT.isfinite().all()
    assert gradient["logp"].isfinite().all()
    assert gradient["logp"].norm().isfinite()
    assert all(number.isfinite().all() for number in loss.statistics.values())


@EVERY
def test_at_ratio_one_its_gradient_is_the_policy_gradient(name: str, params: dict[str, object]) -> None:
    made = stage()
    level = replace(made, now=replace(made.now, logp_NT=made.was.logp_NT.clone()))
    _, gradient = gradients(KIND, name, level, params)
    torch.testing.assert_close(gradient["logp"], torch.where(made.mask_NT, -made.advantage_NT, 0.0))


@EVERY
def test_no_advantage_no_push(name: str, params: dict[str, object]) -> None:
    made = stage(extremes=True)
    _, gradient = gradients(KIND, name, replace(made, advantage_NT=torch.zeros_like(made.advantage_NT)), params)
    assert (gradient["logp"] == 0).all()


@EVERY
def test_no_gradient_goes_into_the_past(name: str, params: dict[str, object]) -> None:
    _, gradient = gradients(KIND, name, stage(), params)
    assert (gradient["logp"] != 0).any()
    for past in ("was", "ref", "advantage"):
        assert (gradient[past] == 0).all(), past


@EVERY
def test_statistics_have_one_number_a_token_and_no_gradient(name: str, params: dict[str, object]) -> None:
    made = stage()
    now = Pass(made.now.logp_NT.requires_grad_(), made.mask_NT)
    for number in run_loss(KIND, name, replace(made, now=now), params).statistics.values():
        assert number.shape == made.mask_NT.shape
        assert not number.requires_grad


@pytest.mark.parametrize("name", names(KIND))
def test_it_departs_from_nothing(name: str) -> None:
    assert load(KIND, name).method.card.departs == ()
