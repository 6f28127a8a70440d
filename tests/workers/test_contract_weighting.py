"""What every weighting promises, tried on awkward rewards and gradients over the whole catalogue."""

import pytest
import torch
from torch import Tensor

from tests.workers.stage import NAN, names, variants
from workers.engine.load import call, load
from workers.engine.tensors import Progress, Weights

KIND = "weighting"
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))
# Gradients of four rewards: two that pull apart, one long, one that is nothing at all.
GRADIENTS = ([1.0, 0.2, 0.0], [-0.7, 0.5, 0.1], [30.0, -20.0, 5.0], [0.0, 0.0, 0.0])
WEIGHTS = (1.0, 0.15, 0.0, 2.0)


def rewards() -> Tensor:
    """Ten completions; cells that do not apply, a column of equal values and one without any value."""
    place_NK = torch.arange(40, dtype=torch.float32).reshape(10, 4)
    reward_NK = torch.sin(place_NK)
    reward_NK[2, 0], reward_NK[:, 2], reward_NK[:, 3] = NAN, 0.1, NAN
    return reward_NK


def weigh(name: str, params: dict[str, object], order: list[int] | None = None, scale: float = 1.0) -> Weights:
    order = list(range(4)) if order is None else order
    gradient_KT = scale * torch.tensor(GRADIENTS)[order]
    given = {
        "weight_K": torch.tensor(WEIGHTS)[order],
        "reward_NK": rewards()[:, order],
        "gram_KK": gradient_KT @ gradient_KT.T,
        "memory": {},
        "progress": Progress(3, 10),
    }
    kept = {key: value.clone() for key, value in given.items() if isinstance(value, Tensor)}
    made = call(load(KIND, name), given, params)
    assert isinstance(made, Weights)
    for key, value in kept.items():
        torch.testing.assert_close(given[key], value, equal_nan=True, msg=f"{name} changed {key}")
    return made


@EVERY
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6, 0.0])
def test_weights_are_finite_one_a_reward_and_not_all_nothing(
    name: str, params: dict[str, object], scale: float
) -> None:
    found = weigh(name, params, scale=scale).weight_K
    assert found.shape == (4,)
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert (found != 0).any()
    assert not found.requires_grad


@EVERY
@pytest.mark.parametrize("order", [[3, 1, 0, 2], [2, 3, 1, 0], [1, 0, 3, 2]])
def test_renaming_rewards_renames_weights(name: str, params: dict[str, object], order: list[int]) -> None:
    plain, renamed = weigh(name, params), weigh(name, params, order)
    torch.testing.assert_close(renamed.weight_K, plain.weight_K[order], atol=1e-6, rtol=1e-5)


@EVERY
def test_a_reward_alone_keeps_a_weight(name: str, params: dict[str, object]) -> None:
    found = weigh(name, params, [1]).weight_K
    assert found.shape == (1,)
    assert float(found) > 0


@EVERY
def test_the_same_twice_is_the_same_and_memory_is_for_those_who_ask(name: str, params: dict[str, object]) -> None:
    first, second = (weigh(name, params) for _ in range(2))
    assert torch.equal(first.weight_K, second.weight_K)
    assert bool(first.memory) == load(KIND, name).needs("memory")
    assert all(isinstance(kept, Tensor) and kept.isfinite().all() for kept in first.memory.values())


@pytest.mark.parametrize("name", names(KIND))
def test_it_departs_from_nothing(name: str) -> None:
    assert load(KIND, name).method.card.departs == ()
