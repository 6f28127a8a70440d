"""Fixed length: by hand, and the sum over a sequence divided by a constant."""

import torch

from tests.workers.stage import stage
from tests.workers.weighed import lengths, weights
from workers.engine.masks import per_row


def test_by_hand() -> None:
    """Lengths 1 and 3, constant 10, two completions: each token weighs 1/20."""
    weight_NT = weights("fixed_length", lengths([1, 3], 3), length=10)
    torch.testing.assert_close(weight_NT, torch.tensor([[0.05, 0, 0], [0.05, 0.05, 0.05]]))


def test_it_is_the_mean_over_completions_of_their_sums_over_the_constant() -> None:
    mask_NT = stage().mask_NT
    value_NT = torch.arange(mask_NT.numel(), dtype=torch.float32).reshape(mask_NT.shape)
    expected = (per_row(value_NT, mask_NT) / 48).sum() / 9  # nine completions have a token
    torch.testing.assert_close((value_NT * weights("fixed_length", mask_NT)).sum(), expected)


def test_a_token_weighs_the_same_whatever_the_other_lengths_are() -> None:
    """What tells it from the token mean: a longer neighbour changes nothing."""
    for name, same in (("fixed_length", True), ("token_mean", False)):
        short, long = (weights(name, lengths([2, other])) for other in (1, 6))
        assert torch.equal(short[0], long[0]) == same
