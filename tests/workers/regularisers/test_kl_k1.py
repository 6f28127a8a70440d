"""KL estimate k1: by hand, its gradient against differences, and its expectation on a small distribution."""

import pytest
import torch

from tests.workers.distributions import expected_gradient, expected_value, kl, two_policies
from tests.workers.one_token import held
from tests.workers.stage import gradients, run_loss, slope, stage

METHOD = ("regularisers", "kl_k1")


@pytest.mark.parametrize(
    ("distance", "value", "gradient"), [(0.5, 0.5, 1.0), (-0.5, -0.5, 1.0), (0.0, 0.0, 1.0), (100.0, 100.0, 1.0)]
)
def test_by_hand(distance: float, value: float, gradient: float) -> None:
    """log pi - log ref: the distance itself, with slope 1 on both sides."""
    made = held(distance)
    loss, found = gradients(*METHOD, made, {"coef": 0.5})
    assert float(loss.statistics["kl"]) == pytest.approx(value, abs=1e-6)
    assert float(loss.token_NT.detach()) == pytest.approx(0.5 * value, abs=1e-6)
    assert float(found["logp"]) == pytest.approx(0.5 * gradient, abs=1e-6)


def test_its_gradient_agrees_with_differences() -> None:
    made = stage(torch.float64, junk=0.0)
    _, gradient = gradients(*METHOD, made, {"coef": 0.7})
    torch.testing.assert_close(gradient["logp"], slope(*METHOD, made, {"coef": 0.7}, "logp_NT"), atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize("distance", [0.1, 1.0, 3.0])
def test_its_mean_is_the_divergence(distance: float) -> None:
    """Unbiased: taken over all tokens it is KL(policy, reference)."""
    logp_V, ref_V = two_policies(distance)
    assert expected_value("kl_k1", logp_V, ref_V) == pytest.approx(kl(logp_V, ref_V), abs=1e-12)


def test_its_gradient_averages_to_zero() -> None:
    """The doubt on its card: however far the policy is, on average k1 as a loss does not move it."""
    logp_V, ref_V = two_policies(3.0)
    assert expected_gradient("kl_k1", logp_V, ref_V).abs().max() < 1e-12


def test_it_may_be_negative() -> None:
    assert float(run_loss(*METHOD, held(-1.5)).statistics["kl"]) == -1.5
