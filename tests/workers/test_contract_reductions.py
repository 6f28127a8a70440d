"""What every reduction promises, tried on the awkward mask over the whole catalogue."""

import pytest
import torch
from torch import Tensor

from tests.workers.stage import names, stage, variants
from workers.engine.load import call, load

EVERY = pytest.mark.parametrize(("name", "params"), variants("reductions"))


def weigh(name: str, mask_NT: Tensor, params: dict[str, object]) -> Tensor:
    weight_NT = call(load("reductions", name), {"mask_NT": mask_NT}, params)
    assert isinstance(weight_NT, Tensor)
    return weight_NT


@EVERY
def test_chosen_tokens_have_weight_and_others_none(name: str, params: dict[str, object]) -> None:
    mask_NT = stage().mask_NT
    weight_NT = weigh(name, mask_NT, params)
    assert weight_NT.dtype == torch.float32
    assert weight_NT.isfinite().all()
    assert torch.equal(weight_NT > 0, mask_NT)


@EVERY
def test_padding_and_empty_rows_do_not_matter(name: str, params: dict[str, object]) -> None:
    mask_NT = stage().mask_NT
    wide_NT = torch.zeros((mask_NT.shape[0] + 2, mask_NT.shape[1] + 3), dtype=torch.bool)
    wide_NT[:-2, :-3] = mask_NT
    torch.testing.assert_close(weigh(name, wide_NT, params)[:-2, :-3], weigh(name, mask_NT, params))


@EVERY
def test_the_order_of_rows_does_not_matter(name: str, params: dict[str, object]) -> None:
    mask_NT, order = stage().mask_NT, [7, 3, 9, 0, 5, 1, 8, 2, 6, 4]
    torch.testing.assert_close(weigh(name, mask_NT[order], params), weigh(name, mask_NT, params)[order])


@EVERY
@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (0, 4)])
def test_an_empty_mask_weighs_nothing(name: str, params: dict[str, object], shape: tuple[int, int]) -> None:
    weight_NT = weigh(name, torch.zeros(shape, dtype=torch.bool), params)
    assert weight_NT.shape == shape
    assert (weight_NT == 0).all()


@EVERY
def test_one_completion_twice_makes_the_same_loss(name: str, params: dict[str, object]) -> None:
    """A batch repeated is the same batch: the loss is a mean over completions or tokens, not a sum."""
    mask_NT = stage().mask_NT
    twice = weigh(name, torch.cat([mask_NT, mask_NT]), params)
    torch.testing.assert_close(2 * twice[: len(mask_NT)], weigh(name, mask_NT, params))


@pytest.mark.parametrize("name", names("reductions"))
def test_it_departs_from_nothing(name: str) -> None:
    assert load("reductions", name).method.card.departs == ()
