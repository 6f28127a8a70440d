"""The update: no order and no cut of a batch changes its loss or gradient; warm-up and decay as written."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.workers.engine.test_sampler import SIBLINGS, as_rollouts, sampled
from tests.workers.tiny import make_model, tiny_spec
from workers.contract.spec import Optimiser
from workers.engine.batch import Batch, micro_batches, rows_of
from workers.engine.optimiser import make_optimiser, rate_at
from workers.engine.policy import Policy, make_policy
from workers.engine.recipe import Recipe, make_recipe
from workers.engine.tensors import Progress, Rollouts
from workers.engine.update import losses

Made = tuple[Policy, Recipe, Batch]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A policy, a recipe with a reference, and a batch whose completions and prompts differ in length."""
    policy, recipe = make_policy(make_model("llama", 20)), make_recipe(tiny_spec(tmp_path))
    rollouts = as_rollouts(sampled(policy))
    random = torch.Generator().manual_seed(1)
    advantage_NT = torch.randn(rollouts.mask_NT.shape, generator=random) * rollouts.mask_NT
    reference_NT = rollouts.logp_NT - 0.1 * rollouts.mask_NT
    weight_NT = recipe.reduction(mask_NT=rollouts.mask_NT)
    return policy, recipe, whole_batch(rollouts, advantage_NT, weight_NT, reference_NT)


def whole_batch(rollouts: Rollouts, advantage_NT: Tensor, weight_NT: Tensor, reference_NT: Tensor) -> Batch:
    """A batch whose other parts nobody asks for."""
    rows = len(rollouts.mask_NT)
    none_N, groups = torch.full((rows,), -1), len(torch.unique(rollouts.group_N))
    return Batch(
        rollouts, advantage_NT, weight_NT, torch.zeros(rows), none_N, groups, Progress(1, 2), ref_logp_NT=reference_NT
    )


def gradient(made: Made, rows: list[Tensor]) -> tuple[float, Tensor]:
    """Loss and flat gradient of the batch, taken in these parts."""
    policy, recipe, batch = made
    policy.model.zero_grad()
    total = 0.0
    for row_R in rows:
        part = batch.rows(row_R)
        loss, _ = losses(recipe, part, policy.read(part.rollouts), part.supplied())
        torch.autograd.backward(loss)
        total += float(loss.detach())
    return total, torch.cat([w.grad.flatten() for w in policy.model.parameters() if w.grad is not None])


@pytest.mark.parametrize(
    "cut",
    [
        lambda n: [torch.arange(n).flip(0)],
        lambda n: [torch.randperm(n, generator=torch.Generator().manual_seed(2))],
        lambda n: list(torch.split(torch.arange(n), SIBLINGS)),
        lambda n: [torch.tensor([row]) for row in range(n)],
    ],
    ids=["reversed", "shuffled", "by group", "row by row"],
)
def test_order_and_cuts_change_nothing(made: Made, cut: Callable[[int], list[Tensor]]) -> None:
    n = len(made[2].rollouts.mask_NT)
    loss, grad = gradient(made, [torch.arange(n)])
    other_loss, other_grad = gradient(made, cut(n))
    assert abs(loss) > 1e-3
    assert other_loss == pytest.approx(loss, rel=1e-5, abs=1e-6)
    torch.testing.assert_close(other_grad, grad, rtol=1e-4, atol=1e-6)


def test_a_part_loses_the_columns_that_are_padding_in_it(made: Made) -> None:
    rollouts = made[2].rollouts
    part = rows_of(rollouts, torch.tensor([0]))
    assert part.prompt_NL.tolist() == [[5, 6, 7]]
    assert part.mask_NT.shape == (1, int(rollouts.mask_NT[0].sum()))


def test_micro_batches_never_split_a_group() -> None:
    group_N = torch.tensor([2, 0, 1, 0, 2, 5, 1])
    parts = [row_R.tolist() for row_R in micro_batches(group_N, 2)]
    assert parts == [[1, 2, 3, 6], [0, 4, 5]]
    assert [row_R.tolist() for row_R in micro_batches(group_N, 0)] == [list(range(7))]


def test_the_learning_rate_rises_in_a_straight_line() -> None:
    settings = Optimiser(learning_rate=0.4, warmup_steps=4)
    rates = [rate_at(settings, Progress(step, 100)) for step in (1, 2, 3, 4, 5, 100)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    assert rate_at(Optimiser(learning_rate=0.4), Progress(1, 100)) == 0.4


def test_the_learning_rate_falls_as_it_is_told() -> None:
    # Two steps of warm-up, then eight in which 0, 1/8, … 7/8 of the fall is done.
    line = [rate_at(Optimiser(0.8, 2, decay="linear"), Progress(step, 10)) for step in (1, 2, 3, 4, 10)]
    assert line == pytest.approx([0.4, 0.8, 0.8, 0.7, 0.1])
    wave = [rate_at(Optimiser(0.8, 0, decay="cosine"), Progress(step, 4)) for step in (1, 2, 3, 4)]
    assert wave == pytest.approx([0.8, 0.4 * (1 + 0.5**0.5), 0.4, 0.4 * (1 - 0.5**0.5)])


def test_decay_takes_matrices_only() -> None:
    model = make_model("llama", 20)
    optimiser = make_optimiser(model, Optimiser(learning_rate=0.1, weight_decay=0.5))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    for name, weight in model.named_parameters():
        # Without a gradient only the decay moves a weight: by 1 - rate * decay = 0.95.
        torch.testing.assert_close(weight.detach(), before[name] * (0.95 if weight.dim() > 1 else 1.0), msg=name)
