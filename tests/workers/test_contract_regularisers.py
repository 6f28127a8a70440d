"""What every regulariser promises, tried on the awkward batch over the whole catalogue."""

from dataclasses import replace

import pytest
import torch

from tests.workers.stage import NAN, Stage, departs, gradients, names, run_loss, stage, variants
from workers.engine.load import load

KIND = "regularisers"
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))
NAMES = pytest.mark.parametrize("name", names(KIND))
COMPARING = [name for name in names(KIND) if load(KIND, name).needs("ref_logp_NT")]
TOWARDS = "pulls towards the reference"


def level(made: Stage) -> Stage:
    """The policy says what the reference says."""
    return replace(made, now=replace(made.now, logp_NT=made.ref_logp_NT.clone()))


@EVERY
@pytest.mark.parametrize("junk", [1e6, NAN])
def test_it_is_silent_outside_the_mask_in_value_and_gradient(name: str, params: dict[str, object], junk: float) -> None:
    made = stage(junk=junk)
    loss, gradient = gradients(KIND, name, made, params)
    clean, clean_gradient = gradients(KIND, name, stage(junk=0.0), params)
    assert (loss.token_NT[~made.mask_NT] == 0).all()
    torch.testing.assert_close(loss.token_NT, clean.token_NT)
    for past in ("logp", "entropy"):
        assert (gradient[past][~made.mask_NT] == 0).all()
        torch.testing.assert_close(gradient[past], clean_gradient[past])


@EVERY
def test_it_is_finite_at_the_extremes(name: str, params: dict[str, object]) -> None:
    loss, gradient = gradients(KIND, name, stage(extremes=True), params)
    assert loss.token_NT.isfinite().all()
    assert all(found.isfinite().all() and found.norm().isfinite() for found in gradient.values())
    assert all(number.isfinite().all() for number in loss.statistics.values())


@EVERY
def test_no_gradient_goes_into_the_past(name: str, params: dict[str, object]) -> None:
    _, gradient = gradients(KIND, name, stage(), params)
    for past in ("was", "ref", "advantage"):
        assert (gradient[past] == 0).all(), past


@NAMES
def test_its_coefficient_multiplies_the_loss_and_not_the_statistics(name: str) -> None:
    made = stage()
    once, thrice, off = (run_loss(KIND, name, made, {"coef": coef}) for coef in (0.5, 1.5, 0.0))
    assert (once.token_NT != 0).any()
    torch.testing.assert_close(thrice.token_NT, 3 * once.token_NT)
    assert (off.token_NT == 0).all()
    assert once.statistics
    for key, number in once.statistics.items():
        torch.testing.assert_close(number, thrice.statistics[key])
        assert number.shape == made.mask_NT.shape


@pytest.mark.parametrize("name", COMPARING)
def test_it_is_nothing_where_the_policy_is_the_reference(name: str) -> None:
    loss = run_loss(KIND, name, level(stage()))
    assert (loss.token_NT == 0).all()
    assert (loss.statistics["kl"] == 0).all()


@pytest.mark.parametrize("name", COMPARING)
def test_it_pulls_towards_the_reference_or_says_that_it_does_not(name: str) -> None:
    made = stage()
    _, gradient = gradients(KIND, name, made, {})
    inside = made.mask_NT
    distance = (made.now.logp_NT - made.ref_logp_NT)[inside]
    assert (distance > 0).any()
    assert (distance < 0).any()
    towards = bool((gradient["logp"][inside].sign() == distance.sign()).all())
    assert towards != departs(load(KIND, name), TOWARDS)


@NAMES
def test_departures_name_promises_of_this_kind(name: str) -> None:
    assert all(departure.promise == TOWARDS for departure in load(KIND, name).method.card.departs)
