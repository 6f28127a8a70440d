"""Minimum norm: the closed form for two, three gradients by hand, and a search over the simplex."""

from itertools import product

import pytest
import torch
from torch import Tensor

from workers.engine.load import call, load
from workers.engine.tensors import Weights


def weights(gram_KK: Tensor, **params: object) -> Tensor:
    given = torch.full((len(gram_KK),), 0.7)
    made = call(load("weighting", "min_norm"), {"weight_K": given, "gram_KK": gram_KK}, params)
    assert isinstance(made, Weights)
    return made.weight_K


def gram(*gradients: list[float]) -> Tensor:
    rows = torch.tensor(gradients, dtype=torch.float64)
    return rows @ rows.T


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [
        # (g2 − g1)·g2 / |g1 − g2|² = 4 / 5 for the first.
        (([1.0, 0.0], [0.0, 2.0]), [0.8, 0.2]),
        (([1.0, 0.0], [0.0, 1.0]), [0.5, 0.5]),
        (([1.0, 0.0], [-3.0, 0.0]), [0.75, 0.25]),
        (([1.0, 0.0], [3.0, 1.0]), [1.0, 0.0]),
        (([2.0, 2.0], [2.0, 2.0]), [0.5, 0.5]),
    ],
)
def test_two_by_hand(gradients: tuple[list[float], ...], expected: list[float]) -> None:
    assert weights(gram(*gradients)).tolist() == pytest.approx(expected, abs=1e-6)


def test_three_at_right_angles() -> None:
    """Weights go as one over the squared length: 1, 1/4, 1/9 over their sum 49/36."""
    found = weights(gram([1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0]))
    assert found.tolist() == pytest.approx([36 / 49, 9 / 49, 4 / 49], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [2, 3])
def test_no_mixture_on_a_grid_is_shorter(seed: int, size: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    rows = torch.randn((size, 4), generator=noise, dtype=torch.float64)
    gram_KK = rows @ rows.T
    found_K = weights(gram_KK).double()
    shortest = float(found_K @ gram_KK @ found_K)
    grid = [torch.tensor(mix, dtype=torch.float64) / 50 for mix in product(range(51), repeat=size) if sum(mix) == 50]
    assert shortest <= min(float(mix @ gram_KK @ mix) for mix in grid) + 1e-6


def test_the_step_improves_every_reward_or_there_is_no_step() -> None:
    """At the minimum each gradient's product with the mixture is at least the mixture's squared length."""
    rows = torch.randn((5, 8), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    gram_KK = rows @ rows.T
    found_K = weights(gram_KK).double()
    assert float((gram_KK @ found_K).min()) >= float(found_K @ gram_KK @ found_K) - 1e-5


def test_scale_does_not_matter_and_lengths_do_not_when_made_equal() -> None:
    plain = gram([1.0, 0.5], [-0.2, 3.0])
    assert weights(plain * 1e-12).tolist() == pytest.approx(weights(plain).tolist(), abs=1e-6)
    # Mixing unit vectors evenly is (g1/1 + g2/2) / (1 + 1/2) of gradients with lengths 1 and 2.
    assert weights(gram([1.0, 0.0], [0.0, 2.0]), lengths="equal").tolist() == pytest.approx([2 / 3, 1 / 3], abs=1e-6)


def test_a_reward_without_gradient_is_left_out() -> None:
    assert weights(gram([0.0, 0.0], [1.0, 0.0], [0.0, 1.0])).tolist() == pytest.approx([0, 0.5, 0.5])
    assert weights(torch.zeros(3, 3)).tolist() == pytest.approx([0.7] * 3)
