"""KTO: numbers by hand, and what the estimate of KL does."""

from math import exp

import pytest
import torch

from tests.workers.pairing import labelled, loss_of


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_by_hand() -> None:
    """Log-ratios 0.3 (good) and 0.5 (bad), KL 0.2, beta 0.5: 1 - σ(0.05) = 0.487503 and 1 - σ(-0.15) = 0.537430."""
    supplied = {
        "labelled": labelled([[-0.7, -1.0], [-0.5]], [True, False]),
        "ref_labelled": labelled([[-0.8, -1.2], [-1.0]], [True, False]),
        "kl": torch.tensor(0.2, dtype=torch.float64),
    }
    assert loss_of("kto", supplied, beta=0.5).tolist() == pytest.approx([0.487503, 0.537430], abs=1e-6)
    weighed = loss_of("kto", supplied, beta=0.5, good_weight=2.0, bad_weight=0.5)
    assert weighed.tolist() == pytest.approx([0.975005, 0.268715], abs=1e-6)


def test_a_negative_estimate_counts_as_none_and_takes_no_gradient() -> None:
    one = labelled([[-0.7]], [True])
    kl = torch.tensor(-3.0, dtype=torch.float64, requires_grad=True)
    supplied = {"labelled": one, "ref_labelled": one, "kl": kl}
    loss = loss_of("kto", supplied)
    assert float(loss) == pytest.approx(1 - sigmoid(0.0))
    assert not loss.requires_grad
