"""Masked and grouped arithmetic, against plain loops on the awkward batch."""

import math

import pytest
import torch

from tests.workers.stage import NAN, REWARD, stage
from workers.engine import masks


def made() -> tuple[torch.Tensor, torch.Tensor, list[list[float]]]:
    """Numbers with junk behind the mask, the mask, and the numbers inside it row by row."""
    mask_NT = stage().mask_NT
    value_NT = torch.arange(mask_NT.numel(), dtype=torch.float64).reshape(mask_NT.shape).sin()
    inside = [row[mask].tolist() for row, mask in zip(value_NT, mask_NT, strict=True)]
    junk_NT = torch.where(torch.arange(mask_NT.shape[1]) % 2 == 0, NAN, math.inf)
    return torch.where(mask_NT, value_NT, junk_NT.to(torch.float64)), mask_NT, inside


def test_masked_is_zero_outside_in_value_and_gradient() -> None:
    value_NT, mask_NT, _ = made()
    value_NT.requires_grad_()
    kept_NT = masks.masked(value_NT, mask_NT)
    assert (kept_NT[~mask_NT] == 0).all()
    (gradient_NT,) = torch.autograd.grad(kept_NT.square().sum(), value_NT)
    assert (gradient_NT[~mask_NT] == 0).all()
    torch.testing.assert_close(gradient_NT[mask_NT], 2 * value_NT.detach()[mask_NT])


def test_means_and_sums_over_tokens() -> None:
    value_NT, mask_NT, inside = made()
    flat = [number for row in inside for number in row]
    assert float(masks.masked_mean(value_NT, mask_NT)) == pytest.approx(sum(flat) / len(flat))
    assert masks.per_row(value_NT, mask_NT).tolist() == pytest.approx([sum(row) for row in inside])
    assert float(masks.masked_mean(value_NT, torch.zeros_like(mask_NT))) == 0.0


def test_spread_and_last_token_see_holes() -> None:
    mask_NT = torch.tensor([[1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]], dtype=torch.bool)
    value_N = torch.tensor([3.0, 5.0, 7.0])
    assert masks.spread(value_N, mask_NT).tolist() == [[3, 3, 0, 0, 3, 0], [0] * 6, [7, 0, 0, 0, 0, 0]]
    assert masks.last_token(mask_NT).tolist() == [4, 0, 0]
    assert masks.on_last_token(value_N, mask_NT).tolist() == [[0, 0, 0, 0, 3, 0], [0] * 6, [7, 0, 0, 0, 0, 0]]
    assert int(masks.chosen_rows(mask_NT)) == 2
    assert int(masks.chosen_rows(torch.zeros_like(mask_NT))) == 1


def test_groups_need_not_be_neighbours_nor_numbered_from_zero() -> None:
    group_N = torch.tensor([7, -2, 7, 7, -2, 900])
    value_N = torch.tensor([1.0, 2.0, 3.0, 8.0, 4.0, 5.0])
    assert masks.group_size(group_N).tolist() == [3, 2, 3, 3, 2, 1]
    assert masks.group_sum(value_N, group_N).tolist() == [12, 6, 12, 12, 6, 5]
    assert masks.group_mean(value_N, group_N).tolist() == [4, 3, 4, 4, 3, 5]
    # deviations -3, -1, 4: sqrt(26 / 2) = 3.605551; -1, 1: sqrt(2 / 1) = 1.414214; one alone: 0
    a, b = 3.605551, 1.414214
    assert masks.group_std(value_N, group_N).tolist() == pytest.approx([a, b, a, a, b, 0.0], abs=1e-6)
    assert masks.group_centred(value_N, group_N).tolist() == [-3, -1, -1, 4, 1, 0]


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 0.7, 1e-7, 1e7 + 0.1])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_equal_values_are_exactly_nothing(value: float, size: int) -> None:
    value_N, group_N = torch.full((size,), value), torch.zeros(size, dtype=torch.long)
    assert masks.group_equal(value_N, group_N).all()
    assert (masks.group_std(value_N, group_N) == 0).all()
    assert (masks.group_centred(value_N, group_N) == 0).all()


def test_equal_values_are_told_group_by_group() -> None:
    equal = masks.group_equal(torch.tensor(REWARD), stage().rollouts.group_N)
    assert equal.tolist() == [False] * 5 + [True] * 4 + [False]


def test_the_log_ratio_is_held_above_and_free_below() -> None:
    over_NT = torch.tensor([[100.0, -100.0, 1.5, NAN]], requires_grad=True)
    mask_NT = torch.tensor([[True, True, True, False]])
    ratio_NT = masks.log_ratio(over_NT, torch.zeros(1, 4), mask_NT)
    assert ratio_NT.tolist() == [[20, -100, 1.5, 0]]
    (gradient_NT,) = torch.autograd.grad(ratio_NT.exp().sum(), over_NT)
    assert gradient_NT.tolist()[0] == pytest.approx([0.0, 0.0, math.exp(1.5), 0.0])


def test_nothing_at_all_is_handled() -> None:
    mask_NT = torch.zeros((0, 4), dtype=torch.bool)
    assert masks.last_token(mask_NT).shape == (0,)
    assert masks.group_mean(torch.zeros(0), torch.zeros(0, dtype=torch.long)).shape == (0,)


def test_standardised_numbers_have_mean_zero_and_deviation_one() -> None:
    value_NT, mask_NT, inside = made()
    flat = [number for row in inside for number in row]
    mean = sum(flat) / len(flat)
    deviation = math.sqrt(sum((number - mean) ** 2 for number in flat) / len(flat))
    found_NT = masks.standardised(value_NT, mask_NT)
    assert found_NT[mask_NT].tolist() == pytest.approx([(number - mean) / deviation for number in flat])
    assert (found_NT[~mask_NT] == 0).all()


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3, 0.0])
def test_equal_numbers_standardised_are_exactly_nothing(value: float) -> None:
    mask_NT = stage().mask_NT
    assert (masks.standardised(torch.full(mask_NT.shape, value), mask_NT) == 0).all()
    assert (masks.standardised(torch.full(mask_NT.shape, value), torch.zeros_like(mask_NT)) == 0).all()
