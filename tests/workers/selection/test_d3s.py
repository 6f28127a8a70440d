"""D3S: the catalogue's numbers, brute force over subsets, ties, and the base algorithm where everything is kept."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.chosen import at, candidates, credited, select
from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts
from workers.engine.load import load
from workers.engine.tensors import Progress

MODULE: Any = load("selection", "d3s").module
CATALOGUE = [-1.2, -0.3, 0.0, 0.1, 0.4, 1.5, 0.0, -0.8]


def variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def kept(values: Sequence[float], count: int) -> list[int]:
    found: Tensor = MODULE.most_spread(torch.tensor(values, dtype=torch.float64), count)
    return list(found.nonzero().squeeze(1).tolist())


def weights(name_params: dict[str, object], advantage_NT: Tensor, entropy_NT: Tensor, **more: Any) -> tuple[Any, Any]:
    made = select("d3s", name_params, credited=at(credited(advantage_NT, entropy_NT, **more), 10, 10))
    return made.weight_N, made.weight_NT


@pytest.mark.parametrize(
    ("count", "rows", "worth"), [(2, [0, 5], 1.8225), (3, [0, 5, 7], 1.415556), (4, [0, 4, 5, 7], 1.121875)]
)
def test_the_catalogues_eight_advantages(count: int, rows: list[int], worth: float) -> None:
    assert variance(CATALOGUE) == pytest.approx(0.572344, abs=1e-6)
    assert kept(CATALOGUE, count) == rows
    assert variance([CATALOGUE[row] for row in rows]) == pytest.approx(worth, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_no_other_subset_is_more_spread(seed: int) -> None:
    values = torch.randn(8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).tolist()
    values[3] = values[6]
    for count in range(1, 9):
        best = max(variance(subset) for subset in combinations(values, count))
        rows = kept(values, count)
        assert len(rows) == count
        assert variance([values[row] for row in rows]) == pytest.approx(best, abs=1e-12)


def test_the_catalogues_three_groups() -> None:
    """Population deviation plus 1e-6, worked out here; the all-correct group of rows 4 to 7 is never kept."""
    advantages = []
    for rewards in ([1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]):
        mean, spread = sum(rewards) / 4, variance(rewards) ** 0.5
        advantages += [(reward - mean) / (spread + 1e-6) for reward in rewards]
    expected = [1.732047, -0.577349, -0.577349, -0.577349, 0, 0, 0, 0, 0.999998, 0.999998, -0.999998, -0.999998]
    assert advantages == pytest.approx(expected, abs=1e-6)
    rows = kept(advantages, 4)
    assert variance([advantages[row] for row in rows]) == pytest.approx(1.4665, abs=1e-6)
    assert not set(rows) & {4, 5, 6, 7}
    assert variance(advantages) == pytest.approx(0.666664, abs=1e-6)


def test_ties_go_to_the_earlier_row_and_to_the_larger_side() -> None:
    """Of equal ones the first; +1 and −1 around 0 with three kept: two of the large side."""
    assert kept([1.0, 1.0, 0.0, -1.0, -1.0], 2) == [0, 3]
    assert kept([-1.0, 1.0, -1.0, 1.0], 3) == [0, 1, 3]
    assert kept([0.5] * 4, 2) == [0, 1]


def test_binary_rewards_keep_half_of_each_sign() -> None:
    """As a choice by the variance of rewards does (PODS): 3 right and 5 wrong, N = 2, 4, 6."""
    values = [1.29, -0.77, 1.29, -0.77, -0.77, 1.29, -0.77, -0.77]
    for count in (2, 4, 6):
        assert [values[row] > 0 for row in kept(values, count)].count(True) == count // 2


def test_the_catalogues_tokens() -> None:
    """Keys 0.15, 1.35, 0.60 and 1.44, 0.06, 0.72; half of six is three."""
    advantage_NT = torch.tensor([[1.5] * 3, [-1.2] * 3])
    entropy_NT = torch.tensor([[0.1, 0.9, 0.4], [1.2, 0.05, 0.6]])
    weight_N, weight_NT = weights({"k_final": 0.5}, advantage_NT, entropy_NT)
    assert weight_N.tolist() == [1, 1]
    assert weight_NT.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_equal_keys_go_to_the_earlier_row_then_the_earlier_token_and_one_always_stays() -> None:
    advantage_NT, entropy_NT = torch.tensor([[1.0] * 3, [-1.0] * 3]), torch.full((2, 3), 0.4)
    assert weights({"k_final": 0.7}, advantage_NT, entropy_NT)[1].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert weights({"k_final": 0.01}, advantage_NT, entropy_NT)[1].tolist() == [[1, 0, 0], [0, 0, 0]]


def test_tokens_outside_the_mask_and_of_rows_left_out_are_not_counted() -> None:
    """Row 1 is left out; of the four chosen tokens of rows 0 and 2 half are kept. Junk stands behind the mask."""
    mask_NT = torch.tensor([[1, 0, 1], [1, 1, 1], [1, 1, 0]], dtype=torch.bool)
    advantage_NT = torch.where(mask_NT, torch.tensor([[2.0], [0.1], [-2.0]]), 0.0)
    entropy_NT = torch.tensor([[0.1, 1e6, 0.3], [9.0, 9.0, 9.0], [0.2, 0.4, float("nan")]])
    weight_N, weight_NT = weights({"n_final": 0.7, "k_final": 0.5}, advantage_NT, entropy_NT, mask_NT=mask_NT)
    assert weight_N.tolist() == [1, 0, 1]
    assert weight_NT.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_the_catalogues_schedule() -> None:
    for step, rows, tokens in ((16, 28, 0.225), (32, 40, 0.35)):
        progress = Progress(step, 64)
        assert MODULE.rounded(MODULE.between(16, 64, progress), 64) == rows
        assert MODULE.between(0.1, 0.6, progress) == pytest.approx(tokens)


def test_a_quarter_of_the_run_keeps_the_catalogues_share() -> None:
    """64 rows, N from 16 to 64 and K from 0.1 to 0.6: at step 16 of 64, 28 rows and 22.5 % of their 84 tokens."""
    advantage_NT = torch.linspace(-1, 1, 64)[:, None].expand(64, 3).clone()
    made = select(
        "d3s",
        {"n_init": 0.25, "n_final": 1.0, "k_init": 0.1, "k_final": 0.6},
        credited=at(credited(advantage_NT, torch.rand((64, 3))), 16, 64),
    )
    assert made.weight_N is not None
    assert made.weight_NT is not None
    assert int(made.weight_N.sum()) == 28
    assert int(made.weight_NT.sum()) == 19  # floor(18.9 + 0.5)


def test_keeping_everything_is_the_base_algorithm() -> None:
    batch = rollouts(["ABC", "AC", "D", "EFG"])
    advantage_NT = run_credit("grpo", batch, reward_NT=outcome(batch, [1, 0, 1, 0])).advantage_NT
    weight_N, weight_NT = weights({"k_final": 1.0}, advantage_NT, torch.rand((4, 3)), mask_NT=batch.mask_NT)
    assert torch.equal(weight_N, torch.ones(4))
    assert torch.equal(weight_NT, batch.mask_NT.float())
    assert torch.equal(advantage_NT * weight_NT, advantage_NT)


def test_by_group_every_group_keeps_its_share() -> None:
    """Two of four in each: the ends of the group, although the second group is hardly spread at all."""
    advantage_NT = torch.tensor([1.5, 0.2, -1.4, 0.1, 0.01, 0.02, -0.03, 0.0])[:, None].expand(8, 2).clone()
    params = {"n_final": 0.5, "k_final": 1.0, "scope": "group"}
    weight_N, _ = weights(params, advantage_NT, torch.rand((8, 2)), groups=[0, 0, 0, 0, 7, 7, 7, 7])
    assert weight_N.tolist() == [1, 0, 1, 0, 0, 1, 1, 0]
    across, _ = weights({**params, "scope": "batch"}, advantage_NT, torch.rand((8, 2)))
    assert across.tolist() != weight_N.tolist()


def test_a_rows_advantage_is_its_tokens_or_their_mean() -> None:
    mask_NT = torch.tensor([[1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=torch.bool)
    found = MODULE.of_rows(torch.tensor([[0.1, 0.1, 0.1], [1.0, 2.0, 9.0], [5.0, 5.0, 5.0]]), mask_NT)
    assert float(found[0]) == float(torch.tensor(0.1))
    assert found[1:].tolist() == [1.5, 0.0]


def test_without_entropies_it_says_so() -> None:
    made = credited(torch.ones((2, 2)), torch.ones((2, 2)))
    plain = candidates([0.0, 0.0], [0, 0])
    with pytest.raises(ValueError, match="no entropies"):
        select(
            "d3s", credited=type(made)(plain.rollouts, plain.reward_N, plain.tag_N, plain.progress, 0, torch.ones(2, 2))
        )
