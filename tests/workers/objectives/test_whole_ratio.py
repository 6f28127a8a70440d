"""Ratio of whole completions: by hand, from a loop, against differences, and where it meets its relatives.

That loss and gradient equal those of TRL's RLOO trainer is shown in `tests/peers`.
"""

from math import exp, log

import pytest
import torch

from tests.workers.pushed import differences, pushes, said, spoken
from tests.workers.stage import stage

NAME = "whole_ratio"
WIDE: dict[str, object] = {"eps_low": 1.0, "eps_high": 1e9}


@pytest.mark.parametrize(
    ("advantage", "high", "loss", "clipped"),
    [
        (0.8, 0.2, -1.2 * 0.8, 1),  # s = 1.5 x 0.9 = 1.35 lies above, and up is wanted
        (0.8, 0.4, -1.35 * 0.8, 0),
        (-0.8, 0.2, 1.35 * 0.8, 0),  # it should come down: not bounded
    ],
)
def test_a_completion_of_two_tokens_by_hand(advantage: float, high: float, loss: float, clipped: int) -> None:
    """Ratios 1.5 and 0.9: their product is 1.35, and half of the completion's loss stands on each token."""
    made = spoken([[log(0.3), log(0.45)]], [[log(0.2), log(0.5)]], owed=[advantage])
    found, value, gradient = pushes(NAME, made, {"eps_high": high})
    assert value.tolist()[0] == pytest.approx([loss / 2] * 2)
    assert found.statistics["clip_fraction"].tolist() == [[clipped] * 2]
    push = 0.0 if clipped else -1.35 * advantage
    assert gradient["logp"].tolist()[0] == pytest.approx([push] * 2)


def test_a_loop_from_the_definition() -> None:
    """On the awkward batch, hole and empty row included, each row with one advantage."""
    made = stage(torch.float64)
    made.advantage_NT.copy_(torch.where(made.mask_NT, made.advantage_NT[:, :1], 0.0))
    _, value = said(NAME, made, {"eps_low": 0.3, "eps_high": 0.1})
    for row in range(len(made.mask_NT)):
        mine = made.mask_NT[row].nonzero().flatten().tolist()
        s = exp(sum(float(made.now.logp_NT[row, t] - made.was.logp_NT[row, t]) for t in mine))
        a = float(made.advantage_NT[row, 0])
        expected = -min(s * a, max(0.7, min(1.1, s)) * a) if mine else 0.0
        assert float(value[row].sum()) == pytest.approx(expected)


@pytest.mark.parametrize("params", [{}, WIDE])
def test_its_gradient_agrees_with_differences(params: dict[str, object]) -> None:
    made = spoken(
        [[-1.0, -0.7, -2.0, -0.3], [-0.4], [-1.5, -0.2, -0.9]],
        [[-1.1, -0.9, -1.7, -0.25], [-0.43], [-1.9, -0.4, -0.9]],
        owed=[1.3, -0.7, 0.4],
    )
    _, _, gradient = pushes(NAME, made, params)
    torch.testing.assert_close(gradient["logp"], differences(NAME, made, params), atol=1e-6, rtol=1e-6)


def test_a_completion_of_one_token_is_the_clipped_surrogate() -> None:
    made = spoken([[-0.5], [-1.2], [-2.0]], [[-0.9], [-1.0], [-2.0]], owed=[1.0, -2.0, 0.5])
    _, ours, gradient = pushes(NAME, made)
    _, plain, plain_gradient = pushes("ppo_clip", made)
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(gradient["logp"], plain_gradient["logp"])
