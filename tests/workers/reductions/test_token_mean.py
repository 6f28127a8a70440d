"""Token mean: by hand, and its relatives at equal lengths."""

import torch

from tests.workers.stage import stage
from tests.workers.weighed import lengths, weights
from workers.engine.masks import masked_mean


def test_by_hand() -> None:
    """Lengths 1, 3, 0: four tokens, each weighs a quarter."""
    weight_NT = weights("token_mean", lengths([1, 3, 0], 3))
    assert weight_NT.tolist() == [[0.25, 0, 0], [0.25, 0.25, 0.25], [0, 0, 0]]


def test_it_is_the_masked_mean() -> None:
    """Weights times any numbers are the mean over chosen tokens, holes and all."""
    mask_NT = stage().mask_NT
    value_NT = torch.arange(mask_NT.numel(), dtype=torch.float32).reshape(mask_NT.shape)
    torch.testing.assert_close((value_NT * weights("token_mean", mask_NT)).sum(), masked_mean(value_NT, mask_NT))


def test_at_equal_lengths_it_is_the_sequence_mean() -> None:
    mask_NT = lengths([4, 4, 4])
    torch.testing.assert_close(weights("token_mean", mask_NT), weights("sequence_mean", mask_NT))
