"""Clipped weights: by hand, against differences at a fixed ratio, and their relatives."""

from dataclasses import replace
from math import log

import pytest
import torch

from tests.workers.pushed import pushes, said, spoken
from tests.workers.stage import stage


@pytest.mark.parametrize(
    ("ratio", "advantage", "params", "weight"),
    [
        (1.25, 0.8, {}, 1.25),  # the unified estimator: pi / pi_old = 0.25 / 0.2, coefficient 1.0
        (9.0, 0.8, {}, 5.0),
        (9.0, -0.8, {}, 5.0),  # whatever the sign
        (9.0, 1.0, {"eps_high": 0.28}, 1.28),
        (0.01, 1.0, {}, 0.01),  # no lower bound
        (0.01, -1.0, {"eps_low": 0.2}, 0.8),
    ],
)
def test_by_hand(ratio: float, advantage: float, params: dict[str, object], weight: float) -> None:
    """Loss -w A ln pi with ln pi = -3 + ln ratio, gradient -w A: also at the bound."""
    made = spoken([[-3.0 + log(ratio)]], [[-3.0]], owed=[advantage])
    loss, value, gradient = pushes("cispo", made, params)
    assert float(value) == pytest.approx(-weight * advantage * (-3.0 + log(ratio)))
    assert float(gradient["logp"]) == pytest.approx(-weight * advantage)
    assert float(loss.statistics["clip_fraction"]) == float(weight != ratio)
    assert float(loss.statistics["ratio"]) == pytest.approx(ratio)


@pytest.mark.parametrize("params", [{}, {"eps_low": 0.1, "eps_high": 0.15}])
def test_its_gradient_agrees_with_differences_while_the_weight_stands_still(params: dict[str, object]) -> None:
    """Both policies are moved together, so that the ratio, which has no gradient, stays what it is."""
    made = stage(torch.float64, junk=0.0)
    ends = []
    for step in (1e-6, -1e-6):
        now = replace(made.now, logp_NT=made.now.logp_NT + step)
        was = replace(made.was, logp_NT=made.was.logp_NT + step)
        ends.append(said("cispo", replace(made, now=now, was=was), params)[1])
    _, _, gradient = pushes("cispo", made, params)
    torch.testing.assert_close(gradient["logp"], (ends[0] - ends[1]) / 2e-6, atol=1e-7, rtol=1e-6)


def test_inside_its_bounds_it_pushes_as_the_surrogate_and_beyond_them_it_still_pushes() -> None:
    """At ratio 2 with bounds of 0.28 the surrogate is silent; the weight is 1.28."""
    inside = spoken([[-1.0, -2.0]], [[-1.1, -1.9]], owed=[0.7])
    bounds: dict[str, object] = {"eps_low": 0.2, "eps_high": 0.28}
    torch.testing.assert_close(
        pushes("cispo", inside, bounds)[2]["logp"], pushes("ppo_clip", inside, bounds)[2]["logp"]
    )
    beyond = spoken([[-1.0]], [[-1.0 - log(2)]], owed=[1.0])
    assert float(pushes("ppo_clip", beyond, bounds)[2]["logp"]) == 0
    assert float(pushes("cispo", beyond, bounds)[2]["logp"]) == pytest.approx(-1.28)


def test_with_a_weight_of_one_it_is_the_policy_gradient() -> None:
    made = stage()
    none: dict[str, object] = {"eps_low": 0.0, "eps_high": 0.0}
    torch.testing.assert_close(said("cispo", made, none)[1], said("policy_gradient", made)[1])
