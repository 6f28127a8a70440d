"""Clipped surrogate: by hand on every branch, its gradient against differences, and its relatives."""

from dataclasses import replace
from math import exp, log

import pytest
import torch

from tests.workers.stage import Stage, gradients, run_loss, slope, stage
from workers.engine.tensors import Loss, Pass

PPO = ("objectives", "ppo_clip")


def one_token(ratio: float, advantage: float) -> Stage:
    mask_NT = torch.ones((1, 1), dtype=torch.bool)
    was_NT = torch.full((1, 1), -3.0, dtype=torch.float64)
    now = Pass(was_NT + log(ratio), mask_NT)
    advantage_NT = torch.full((1, 1), advantage, dtype=torch.float64)
    return replace(stage(), now=now, was=Pass(was_NT, mask_NT), advantage_NT=advantage_NT)


@pytest.mark.parametrize(
    ("ratio", "advantage", "params", "loss", "clipped"),
    [
        (1.1, 2.0, {}, -2.2, 0),  # inside: -1.1 x 2
        (1.5, 2.0, {}, -2.4, 1),  # above, wanted: -1.2 x 2
        (0.5, 2.0, {}, -1.0, 0),  # below, wanted back: -0.5 x 2
        (0.5, -2.0, {}, 1.6, 1),  # below, unwanted: 0.8 x 2
        (1.5, -2.0, {}, 3.0, 0),  # above, unwanted, not bounded: 1.5 x 2
        (1.5, 2.0, {"eps_high": 0.28}, -2.56, 1),  # -1.28 x 2
        (0.5, -2.0, {"eps_low": 0.4}, 1.2, 1),  # 0.6 x 2
        (9.0, -2.0, {}, 18.0, 0),  # without the dual clip 9 x 2
        (9.0, -2.0, {"dual": True}, 6.0, 1),  # with it 3 x 2
        (9.0, -2.0, {"dual": True, "dual_bound": 5.0}, 10.0, 1),
        (2.0, -2.0, {"dual": True}, 4.0, 0),  # below the dual bound
        (0.5, -2.0, {"dual": True}, 1.6, 1),
        (9.0, 2.0, {"dual": True}, -2.4, 1),  # the dual clip is for negative advantages only
        (0.0001, 1.0, {"eps_low": 1.0}, -0.0001, 0),
    ],
)
def test_by_hand(ratio: float, advantage: float, params: dict[str, object], loss: float, clipped: int) -> None:
    """-min(rho A, clip(rho, 1 - low, 1 + high) A); with the dual clip at most -c A where A is negative."""
    made = one_token(ratio, advantage)
    found = run_loss(*PPO, made, params)
    assert float(found.token_NT) == pytest.approx(loss, abs=1e-9)
    assert float(found.statistics["clip_fraction"]) == clipped
    assert float(found.statistics["ratio"]) == pytest.approx(ratio)
    _, gradient = gradients(*PPO, replace(made, ref_logp_NT=made.was.logp_NT), params)
    pushed = 0.0 if clipped else -ratio * advantage
    assert float(gradient["logp"]) == pytest.approx(pushed, abs=1e-9)


@pytest.mark.parametrize("params", [{}, {"dual": True}, {"eps_low": 0.1, "eps_high": 0.28}])
def test_its_gradient_agrees_with_differences(params: dict[str, object]) -> None:
    made = stage(torch.float64, junk=0.0)
    _, gradient = gradients(*PPO, made, params)
    torch.testing.assert_close(gradient["logp"], slope(*PPO, made, params, "logp_NT"), atol=1e-7, rtol=1e-6)


def test_without_bounds_it_is_the_plain_ratio() -> None:
    """The identity: nothing below 0 and nothing above 10^9 leaves -rho A."""
    made = stage()
    found = run_loss(*PPO, made, {"eps_low": 1.0, "eps_high": 1e9})
    ratio_NT = (made.now.logp_NT - made.was.logp_NT).exp()
    torch.testing.assert_close(found.token_NT, torch.where(made.mask_NT, -ratio_NT * made.advantage_NT, 0.0))
    assert not found.statistics["clip_fraction"].any()


def test_at_ratio_one_it_pushes_as_the_policy_gradient_does() -> None:
    made = stage()
    level = replace(made, now=replace(made.now, logp_NT=made.was.logp_NT.clone()))
    _, ours = gradients(*PPO, level, {})
    _, plain = gradients("objectives", "policy_gradient", level, {})
    torch.testing.assert_close(ours["logp"], plain["logp"])


def test_the_placed_extremes() -> None:
    """Log-ratios of +-100 with advantages of +-1: the ratio is held at e^20, and e^-100 is as good as 0."""
    found = run_loss(*PPO, stage(extremes=True))
    torch.testing.assert_close(found.token_NT[0, :4], torch.tensor([-1.2, exp(20), -0.0, 0.8]), rtol=1e-5, atol=1e-6)
    assert found.statistics["clip_fraction"][0, :4].tolist() == [1, 0, 0, 1]
    bounded: Loss = run_loss(*PPO, stage(extremes=True), {"dual": True})
    assert bounded.token_NT[0, 1] == 3.0
