"""KL estimate k2: by hand, its gradient against differences, and its expectation on a small distribution."""

import pytest
import torch

from tests.workers.distributions import expected_gradient, expected_value, gradient_of_kl, kl, two_policies
from tests.workers.one_token import held
from tests.workers.stage import gradients, run_loss, slope, stage

METHOD = ("regularisers", "kl_k2")


@pytest.mark.parametrize(
    ("distance", "value", "gradient"),
    [(0.5, 0.125, 0.5), (-0.5, 0.125, -0.5), (0.0, 0.0, 0.0), (-100.0, 5000.0, -100.0)],
)
def test_by_hand(distance: float, value: float, gradient: float) -> None:
    """Half the square of the distance: 0.5 x 0.25 = 0.125, with the distance as its slope."""
    made = held(distance)
    loss, found = gradients(*METHOD, made, {"coef": 0.5})
    assert float(loss.statistics["kl"]) == pytest.approx(value, abs=1e-6)
    assert float(loss.token_NT.detach()) == pytest.approx(0.5 * value, abs=1e-6)
    assert float(found["logp"]) == pytest.approx(0.5 * gradient, abs=1e-6)


def test_its_gradient_agrees_with_differences() -> None:
    made = stage(torch.float64, junk=0.0)
    _, gradient = gradients(*METHOD, made, {"coef": 0.7})
    torch.testing.assert_close(gradient["logp"], slope(*METHOD, made, {"coef": 0.7}, "logp_NT"), atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize(("distance", "tolerance"), [(0.01, 0.01), (0.1, 0.1)])
def test_near_the_reference_its_mean_is_the_divergence(distance: float, tolerance: float) -> None:
    """Its bias vanishes with the distance: relative error below the distance itself."""
    logp_V, ref_V = two_policies(distance)
    assert expected_value("kl_k2", logp_V, ref_V) == pytest.approx(kl(logp_V, ref_V), rel=tolerance)


def test_far_from_it_its_mean_is_biased() -> None:
    logp_V, ref_V = two_policies(3.0)
    assert abs(expected_value("kl_k2", logp_V, ref_V) / kl(logp_V, ref_V) - 1) > 0.1


@pytest.mark.parametrize("distance", [0.1, 1.0, 3.0])
def test_its_mean_gradient_is_that_of_the_divergence(distance: float) -> None:
    """On-policy, by the logits: exactly the gradient of KL(policy, reference)."""
    logp_V, ref_V = two_policies(distance)
    torch.testing.assert_close(
        expected_gradient("kl_k2", logp_V, ref_V), gradient_of_kl(logp_V, ref_V, reverse=False), atol=1e-12, rtol=0
    )


def test_it_is_never_negative() -> None:
    assert (run_loss(*METHOD, stage()).statistics["kl"] >= 0).all()
