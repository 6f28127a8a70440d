"""Sequence ratio: by hand, from a loop, against differences, and where it meets token ratios."""

from math import exp, log, sqrt

import pytest
import torch

from tests.workers.pushed import differences, pushes, said, spoken
from tests.workers.stage import stage

WIDE: dict[str, object] = {"eps_low": 1.0, "eps_high": 1e9}


def logs(*rows: tuple[float, ...]) -> list[list[float]]:
    return [[log(p) for p in row] for row in rows]


def test_the_unified_estimators_coefficient() -> None:
    """Tokens 0.25, 0.5 now and 0.2, 0.6 then: s = sqrt(0.125 / 0.12) = 1.020621; times A = 0.8: 0.816497."""
    made = spoken(logs((0.25, 0.5)), logs((0.2, 0.6)), owed=[0.8])
    loss, value, gradient = pushes("gspo", made, WIDE)
    assert loss.statistics["ratio"].tolist()[0] == pytest.approx([1.020621] * 2, abs=1e-6)
    assert value.tolist()[0] == pytest.approx([-0.816497] * 2, abs=1e-6)
    assert gradient["logp"].tolist()[0] == pytest.approx([-0.816497] * 2, abs=1e-6)


@pytest.mark.parametrize(
    ("advantage", "low", "high", "loss", "clipped"),
    [
        (0.8, 0.0003, 0.0004, -1.0004 * 0.8, 1),  # s = 1.0206 lies above, and up is wanted
        (-0.8, 0.0003, 0.0004, 0.816497, 0),  # it should come down: not bounded
        (0.8, 0.2, 0.02, -1.02 * 0.8, 1),
        (0.8, 0.2, 0.03, -0.816497, 0),
    ],
)
def test_a_completion_is_clipped_as_a_whole(
    advantage: float, low: float, high: float, loss: float, clipped: int
) -> None:
    """One of its tokens rose (1.25) and the other fell (0.83): the sequence decides for both."""
    made = spoken(logs((0.25, 0.5)), logs((0.2, 0.6)), owed=[advantage])
    found, value, gradient = pushes("gspo", made, {"eps_low": low, "eps_high": high})
    assert value.tolist()[0] == pytest.approx([loss] * 2, abs=1e-6)
    assert found.statistics["clip_fraction"].tolist() == [[clipped] * 2]
    assert bool((gradient["logp"] == 0).all()) == bool(clipped)


def test_each_step_has_its_own_ratio() -> None:
    """Two lines of two tokens, advantage 1. First: sqrt(1.5 x 1.2) = 1.341641; second: sqrt(0.5 x 0.9) = 0.670820."""
    ratios = (1.5, 1.2, 0.5, 0.9)
    made = spoken([[log(0.1 * ratio) for ratio in ratios]], logs((0.1,) * 4), owed=[1.0])
    segment_NT = torch.tensor([[0, 0, 1, 1]])
    _, value = said("gspo", made, {**WIDE, "level": "step"}, segment_NT=segment_NT)
    assert value.tolist()[0] == pytest.approx([-1.341641] * 2 + [-0.670820] * 2, abs=1e-6)
    whole = sqrt(sqrt(1.5 * 1.2 * 0.5 * 0.9))
    assert said("gspo", made, WIDE, segment_NT=segment_NT)[1].tolist()[0] == pytest.approx([-whole] * 4)


@pytest.mark.parametrize("level", ["completion", "step"])
def test_a_loop_from_the_definition(level: str) -> None:
    """On the awkward batch, hole and empty row included."""
    made = stage(torch.float64)
    segment_NT = made.supplied()["segment_NT"]
    assert isinstance(segment_NT, torch.Tensor)
    _, value = said("gspo", made, {"level": level, "eps_low": 0.05, "eps_high": 0.1})
    for row, position in made.mask_NT.nonzero().tolist():
        mine = [t for t in range(6) if made.mask_NT[row, t]]
        if level == "step":
            mine = [t for t in mine if segment_NT[row, t] == segment_NT[row, position]]
        s = exp(sum(float(made.now.logp_NT[row, t] - made.was.logp_NT[row, t]) for t in mine) / len(mine))
        a = float(made.advantage_NT[row, position])
        assert float(value[row, position]) == pytest.approx(-min(s * a, max(0.95, min(1.1, s)) * a))


@pytest.mark.parametrize("params", [{}, WIDE, {"level": "step", "eps_low": 0.1, "eps_high": 0.1}])
def test_its_gradient_agrees_with_differences(params: dict[str, object]) -> None:
    """With one advantage a completion, where the form with a gradient a token is GSPO itself."""
    made = spoken(
        [[-1.0, -0.7, -2.0, -0.3], [-0.4], [-1.5, -0.2, -0.9]],
        [[-1.1, -0.9, -1.7, -0.5], [-0.4001], [-1.4, -0.4, -0.9]],
        owed=[1.3, -0.7, 0.4],
    )
    segment_NT = torch.tensor([[0, 0, 1, 1], [0, -1, -1, -1], [0, 1, 1, -1]])
    _, _, gradient = pushes("gspo", made, params, segment_NT=segment_NT)
    found_NT = differences("gspo", made, params, step=1e-7, segment_NT=segment_NT)
    torch.testing.assert_close(gradient["logp"], found_NT, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("params", [{}, {"eps_low": 0.2, "eps_high": 0.28}])
def test_a_completion_of_one_token_is_the_clipped_surrogate(params: dict[str, object]) -> None:
    """The identity: a mean of one number is that number."""
    made = spoken([[-0.5], [-1.2], [-2.0]], [[-0.9], [-1.0], [-2.0]], owed=[1.0, -2.0, 0.5])
    bounds = {"eps_low": 0.0003, "eps_high": 0.0004} | params
    _, ours, gradient = pushes("gspo", made, params)
    _, plain, plain_gradient = pushes("ppo_clip", made, bounds)
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(gradient["logp"], plain_gradient["logp"])


def test_steps_of_one_token_are_token_ratios() -> None:
    made = stage(torch.float64, junk=0.0)
    each_NT = torch.where(made.mask_NT, torch.arange(6), -1)
    bounds: dict[str, object] = {"eps_low": 0.2, "eps_high": 0.28}
    _, ours, gradient = pushes("gspo", made, {**bounds, "level": "step"}, segment_NT=each_NT)
    _, plain, plain_gradient = pushes("ppo_clip", made, bounds)
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(gradient["logp"], plain_gradient["logp"])
