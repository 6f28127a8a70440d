"""Rewards compared with the reference's: the catalogue's numbers."""

from collections.abc import Sequence
from math import log
from typing import Any

import pytest
import torch
from torch import Tensor

from workers.engine.load import call, load
from workers.engine.tensors import Shaped

REFERENCES = (0.5, 1.5, 3.0)
NAN = float("nan")


def shaped(value_NK: Tensor, ref_NKJ: Tensor, **params: Any) -> Tensor:
    def ref_values(most: int) -> Tensor:
        return ref_NKJ[..., :most]

    given = {"value_NK": value_NK, "valid_NK": torch.ones_like(value_NK).bool(), "ref_values": ref_values}
    made = call(load("shaping", "par"), given, params)
    assert isinstance(made, Shaped)
    return made.value_NK


def one(reward: float, scores: Sequence[float] = REFERENCES, **params: Any) -> float:
    """One reward beside its references, in float64."""
    value_NK = torch.tensor([[reward]], dtype=torch.float64)
    return float(shaped(value_NK, torch.tensor([[scores]], dtype=torch.float64), **params))


@pytest.mark.parametrize(
    ("reward", "params", "value"),
    [
        (-2, {}, 0.037288),
        (2, {}, 0.569658),
        (6, {}, 0.979172),
        (2, {"k": 2.0}, 0.600945),
        (2, {"references": 1}, 0.817574),
        (2, {"shaping": "centred"}, 0.333333),
        (2, {"shaping": "tanh"}, 0.201890),
        (2, {"shaping": "arctan"}, 0.220348),
        (2, {"shaping": "sgfc"}, 0.092090),
        (2, {"shaping": "lsc"}, -1.292019),
        (0, {"compared": False}, 0.5),
        (2, {"compared": False, "shaping": "tanh"}, 0.964028),
    ],
)
def test_by_hand(reward: float, params: dict[str, Any], value: float) -> None:
    assert one(reward, **params) == pytest.approx(value, abs=1e-6)


def test_the_quantile_by_hand() -> None:
    """log σ(2 − q) = −1.292019 for q = 2.970827; with one reference the deviation is 0, and 10⁻⁵ is left of it."""
    assert one(1 + 1.036433 * 1.414224, (0, 2), shaping="lsc") == pytest.approx(log(0.5), abs=1e-6)
    assert one(2.970827, shaping="lsc") == pytest.approx(-0.693147, abs=1e-6)
    assert one(0.5, (0.5,), shaping="lsc") == pytest.approx(log(0.5) - 0.5 * 1.036433e-5, abs=1e-9)


def test_the_polynomial_is_near_the_sigmoid_inside_and_flat_outside() -> None:
    assert [one(reward, (0.0,), shaping="poly") for reward in (-5.01, 5.01)] == [0.0, 1.0]
    for tenth in range(-50, 51, 5):
        sigmoid = float(torch.sigmoid(torch.tensor(tenth / 10)))
        assert one(tenth / 10, (0.0,), shaping="poly") == pytest.approx(sigmoid, abs=0.02)


def test_no_other_polynomial_of_its_degree_is_nearer() -> None:
    """What is left at the 100 places is at right angles to every power up to the fifth."""
    place_N = torch.linspace(-5, 5, 100, dtype=torch.float64)
    found_N = shaped(place_N[:, None], torch.zeros(100, 1, 1, dtype=torch.float64), shaping="poly")[:, 0]
    left_N = torch.sigmoid(place_N) - found_N
    for power in range(6):
        assert abs(float((left_N * (place_N / 5) ** power).sum())) < 1e-8


def test_a_score_equal_to_its_reference_is_even_and_all_lie_between_0_and_1() -> None:
    assert one(1.7, (1.7,)) == 0.5
    found = [one(reward, (0.5,)) for reward in (-30, -1, 0.5, 2, 30)]
    assert found == sorted(found)
    assert 0 < min(found) < max(found) < 1


def test_it_is_the_chance_of_beating_the_reference() -> None:
    """By Bradley and Terry: e^r / (e^r + e^ref)."""
    for reward, reference in ((1.0, 2.0), (-3.0, 0.5), (4.0, 4.5)):
        beats, beaten = torch.tensor([reward, reference], dtype=torch.float64).exp()
        assert one(reward, (reference,)) == pytest.approx(float(beats / (beats + beaten)))


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({}, False),
        ({"shaping": "centred"}, False),
        ({"shaping": "tanh"}, False),
        ({"shaping": "arctan"}, False),
        ({"compared": False}, True),
        ({"shaping": "tanh", "compared": False}, True),
    ],
)
def test_a_constant_for_each_prompt_does_not_matter(params: dict[str, Any], changes: bool) -> None:
    value_NK = torch.tensor([[1.0, 2.0], [3.0, 0.5], [-1.0, 0.0]], dtype=torch.float64)
    ref_NKJ = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(3, 2, 4)
    shift_NK = torch.tensor([[5.0], [-3.0], [0.25]], dtype=torch.float64)
    before = shaped(value_NK, ref_NKJ, **params)
    after = shaped(value_NK + shift_NK, ref_NKJ + shift_NK[..., None], **params)
    assert torch.allclose(before, after) is not changes


@pytest.mark.parametrize("k", [0.5, 1.0, 3.0])
def test_it_is_steepest_at_the_reference(k: float) -> None:
    slopes = {at: (one(at + 1e-6, (1.0,), k=k) - one(at - 1e-6, (1.0,), k=k)) / 2e-6 for at in (0.5, 1.0, 1.5)}
    assert slopes[1.0] == pytest.approx(k / 4, rel=1e-6)
    assert max(slopes.values()) == slopes[1.0]


def test_references_that_say_nothing_are_left_out() -> None:
    assert one(2, (0.5, NAN, 1.5, 3.0)) == pytest.approx(0.569658, abs=1e-6)
    assert one(2, (NAN, NAN)) == pytest.approx(one(2, (0.0,)))
    assert one(2, (0.5, NAN, 1.5, 3.0), shaping="lsc") == pytest.approx(-1.292019, abs=1e-6)


def test_one_column_or_all() -> None:
    value_NK, ref_NKJ = torch.tensor([[2.0, 2.0]]), torch.tensor([[[0.5], [0.5]]])
    assert shaped(value_NK, ref_NKJ, reward=2)[0].tolist() == pytest.approx([2.0, 0.817574])
    assert shaped(value_NK, ref_NKJ)[0].tolist() == pytest.approx([0.817574] * 2)
    with pytest.raises(ValueError, match="there are 2"):
        shaped(value_NK, ref_NKJ, reward=3)


def test_what_is_not_compared_asks_for_nothing() -> None:
    def ref_values(most: int) -> Tensor:
        raise AssertionError(f"{most} references were sampled")

    given = {"value_NK": torch.zeros(1, 1), "valid_NK": torch.ones(1, 1).bool(), "ref_values": ref_values}
    assert float(call(load("shaping", "par"), given, {"compared": False}).value_NK) == 0.5
