"""KL estimate k3: by hand, its gradient against differences, and its expectation on a small distribution."""

import pytest
import torch

from tests.workers.distributions import expected_gradient, expected_value, gradient_of_kl, kl, two_policies
from tests.workers.one_token import held
from tests.workers.stage import gradients, run_loss, slope, stage

METHOD = ("regularisers", "kl_k3")


@pytest.mark.parametrize(
    ("distance", "value", "gradient"),
    [(0.5, 0.106531, 0.393469), (-0.5, 0.148721, -0.648721), (0.0, 0.0, 0.0), (100.0, 99.0, 1.0)],
)
def test_by_hand(distance: float, value: float, gradient: float) -> None:
    """e^-0.5 + 0.5 - 1 = 0.106531, slope 1 - e^-0.5; e^0.5 - 0.5 - 1 = 0.148721, slope 1 - e^0.5; e^-100 + 99."""
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
    """Unbiased, as k1 is: taken over all tokens it is KL(policy, reference)."""
    logp_V, ref_V = two_policies(distance)
    assert expected_value("kl_k3", logp_V, ref_V) == pytest.approx(kl(logp_V, ref_V), abs=1e-12)
    assert expected_value("kl_k1", logp_V, ref_V) == pytest.approx(kl(logp_V, ref_V), abs=1e-12)


def test_near_the_reference_it_is_k2() -> None:
    """e^-d + d - 1 = d^2 / 2 - d^3 / 6 + ...: at d = 0.01 they differ by a third of a percent."""
    ours, square = (float(run_loss("regularisers", name, held(0.01)).statistics["kl"]) for name in ("kl_k3", "kl_k2"))
    assert ours == pytest.approx(square, rel=0.004)
    assert ours != square


@pytest.mark.parametrize("distance", [0.1, 1.0, 3.0])
def test_its_mean_gradient_is_that_of_the_other_direction(distance: float) -> None:
    """On-policy, by the logits: exactly the gradient of KL(reference, policy)."""
    logp_V, ref_V = two_policies(distance)
    torch.testing.assert_close(
        expected_gradient("kl_k3", logp_V, ref_V), gradient_of_kl(logp_V, ref_V, reverse=True), atol=1e-12, rtol=0
    )


def test_it_is_never_negative_and_has_less_variance_than_k1() -> None:
    logp_V, ref_V = two_policies(0.5)
    assert (run_loss(*METHOD, stage()).statistics["kl"] >= 0).all()
    difference_V = logp_V - ref_V
    ours_V = torch.expm1(-difference_V) + difference_V
    weight_V = logp_V.exp()

    def variance(value_V: torch.Tensor) -> float:
        mean = (weight_V * value_V).sum()
        return float((weight_V * (value_V - mean).square()).sum())

    assert variance(ours_V) < variance(difference_V) / 4


def test_far_below_the_reference_it_is_held() -> None:
    """At a distance of -100 the exponent is held at 20: a finite loss and no gradient."""
    loss, gradient = gradients(*METHOD, held(-100.0), {"coef": 1.0})
    assert float(loss.token_NT.detach()) == pytest.approx(4.85165e8, rel=1e-5)
    assert float(gradient["logp"]) == 0.0
