"""IPO: numbers by hand, and the margin at which it rests."""

import pytest
import torch

from tests.workers.pairing import loss_of, pairs


def test_by_hand() -> None:
    """Log-ratio of the better one 0.2 - 0.2 + 0.1 = 0.1 (0.033333 a token), of the worse one -0.2 - 0.1 = -0.3 (-0.15).
    beta 0.5 aims at 1: (0.4 - 1)² = 0.36 by sums, (0.183333 - 1)² = 0.666944 by means."""
    supplied = {
        "pairs": pairs([[-0.8, -1.2, -0.4]], [[-0.9, -1.6]]),
        "ref_pairs": pairs([[-1.0, -1.0, -0.5]], [[-0.7, -1.5]]),
    }
    assert float(loss_of("ipo", supplied, beta=0.5, length="sum")) == pytest.approx(0.36, abs=1e-9)
    assert float(loss_of("ipo", supplied, beta=0.5)) == pytest.approx(0.666944, abs=1e-6)


def test_it_rests_at_its_margin() -> None:
    """With beta 0.25 the margin aimed at is 2: no loss and no push there, and a pull back beyond."""
    reference = pairs([[-3.0]], [[-3.0]])
    for chosen, sign in ((-1.0, 0.0), (0.5, 1.0), (-2.0, -1.0)):
        policy = pairs([[chosen]], [[-3.0]])
        policy.chosen.logp_NT.requires_grad_()
        loss = loss_of("ipo", {"pairs": policy, "ref_pairs": reference}, beta=0.25, length="sum")
        (gradient,) = torch.autograd.grad(loss.sum(), policy.chosen.logp_NT)
        assert torch.sign(gradient).item() == sign
