"""Sequence mean: by hand, and its relatives."""

import torch

from tests.workers.stage import stage
from tests.workers.weighed import lengths, weights


def test_by_hand() -> None:
    """Lengths 1, 2, 0: two completions of weight 1/2, the second shared by two tokens."""
    assert weights("sequence_mean", lengths([1, 2, 0], 2)).tolist() == [[0.5, 0], [0.25, 0.25], [0, 0]]


def test_every_completion_weighs_the_same() -> None:
    mask_NT = stage().mask_NT
    row_N = weights("sequence_mean", mask_NT).sum(1)
    torch.testing.assert_close(row_N[:9], torch.full((9,), 1 / 9))
    assert row_N[9] == 0


def test_at_equal_lengths_it_is_the_fixed_length_of_that_length() -> None:
    mask_NT = lengths([5, 5])
    torch.testing.assert_close(weights("sequence_mean", mask_NT), weights("fixed_length", mask_NT, length=5))
