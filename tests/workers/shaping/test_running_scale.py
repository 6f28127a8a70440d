"""Rewards scaled by what they have been so far: the catalogue's numbers, and memory against plain statistics."""

from collections.abc import Mapping
from statistics import fmean, pstdev

import pytest
import torch
from torch import Tensor

from workers.engine.load import call, load
from workers.engine.tensors import Shaped

SCORES = [1.0, 3.0, 2.0, 6.0]


def shape(
    columns: list[list[float]],
    memory: Mapping[str, Tensor] | None = None,
    valid: Tensor | None = None,
    **params: object,
) -> Shaped:
    value_NK = torch.tensor(columns, dtype=torch.float64).T
    valid_NK = torch.ones_like(value_NK, dtype=torch.bool) if valid is None else valid
    given = {"value_NK": value_NK, "valid_NK": valid_NK, "memory": memory or {}}
    made = call(load("shaping", "running_scale"), given, params)
    assert isinstance(made, Shaped)
    return made


@pytest.mark.parametrize(
    ("shaping", "values"),
    [
        ("meanstd", [-1.069045, 0, -0.534522, 1.603567]),
        ("clip", [1.129171, 3, 2, 4.870829]),
        ("minmax", [0, 0.4, 0.2, 1]),
        ("ceil", [1.0, 2.5, 2.0, 2.5]),
    ],
)
def test_a_first_batch_by_hand(shaping: str, values: list[float]) -> None:
    found = shape([SCORES], shaping=shaping, ceiling=2.5).value_NK[:, 0]
    assert found.tolist() == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize("shaping", ["meanstd", "clip", "minmax"])
def test_two_batches_are_as_their_union(shaping: str) -> None:
    first, second = [[1.0, 3.0, 2.0], [0.1, 0.1, 0.1]], [[6.0, -4.0, 2.5, 0.5], [0.1, 0.1, 0.1, 0.1]]
    memory = shape(first, shaping=shaping).memory
    found = shape(second, memory, shaping=shaping)
    union = shape([a + b for a, b in zip(first, second, strict=True)], shaping=shaping)
    torch.testing.assert_close(found.value_NK, union.value_NK[3:])
    for name, kept_K in union.memory.items():
        torch.testing.assert_close(found.memory[name], kept_K)
    everything = first[0] + second[0]
    assert float(found.memory["mean"][0]) == pytest.approx(fmean(everything))
    deviation = (found.memory["square"] / found.memory["count"]).sqrt()
    assert float(deviation[0]) == pytest.approx(pstdev(everything))
    assert [float(found.memory[name][0]) for name in ("count", "low", "high")] == [7, -4, 6]


def test_equal_rewards() -> None:
    same = [[0.1] * 5]
    assert shape(same, shaping="minmax").value_NK[:, 0].tolist() == [0.0] * 5
    assert shape(same, shaping="meanstd").value_NK[:, 0].tolist() == pytest.approx([0.0] * 5, abs=1e-9)
    assert shape(same, shaping="clip").value_NK[:, 0].tolist() == pytest.approx([0.1] * 5)


def test_what_does_not_apply_is_not_counted() -> None:
    valid = torch.tensor([[True, False], [False, False], [True, False]])
    made = shape([[1.0, 1e9, 3.0], [7.0, 8.0, 9.0]], valid=valid, shaping="minmax")
    assert made.value_NK[[0, 2], 0].tolist() == [0.0, 1.0]
    assert [made.memory[name].tolist() for name in ("count", "mean", "low", "high")] == [[2, 0], [2, 0], [1, 0], [3, 0]]
    later = shape([[2.0], [5.0]], made.memory, shaping="minmax")
    assert [later.memory[name].tolist() for name in ("count", "low", "high")] == [[3, 1], [1, 5], [3, 5]]
    nothing = shape([[4.0], [4.0]], later.memory, valid=torch.tensor([[False, False]]), shaping="minmax")
    for name, kept_K in later.memory.items():
        assert torch.equal(nothing.memory[name], kept_K)


def test_one_column_or_all() -> None:
    found = shape([SCORES, SCORES], shaping="minmax", reward=2).value_NK
    assert found[:, 0].tolist() == SCORES
    assert found[:, 1].tolist() == pytest.approx([0, 0.4, 0.2, 1])
    with pytest.raises(ValueError, match="there are 2"):
        shape([SCORES, SCORES], reward=3)
