"""DPO: numbers by hand, and what it is a case of."""

from math import log

import pytest
import torch

from tests.workers.pairing import given, loss_of, pairs


def test_by_hand() -> None:
    """The catalogue's numbers for TGDPO with alpha = 0: margin 0.04, loss ln(1 + e^-0.04) = 0.673347."""
    supplied = {
        "pairs": pairs([[-0.8, -1.2, -0.4]], [[-0.9, -1.6]]),
        "ref_pairs": pairs([[-1.0, -1.0, -0.5]], [[-0.7, -1.5]]),
    }
    assert float(loss_of("dpo", supplied)) == pytest.approx(0.673347, abs=1e-6)


def test_at_the_reference_nobody_is_preferred() -> None:
    same = given()["pairs"]
    for smoothing in (0.0, 0.3):
        loss = loss_of("dpo", {"pairs": same, "ref_pairs": same}, smoothing=smoothing)
        assert loss.tolist() == pytest.approx([log(2)] * 2)


def test_smoothing_mixes_the_loss_with_that_of_swapped_labels() -> None:
    supplied = given()
    swapped = {n: type(p)(p.rejected, p.chosen) for n, p in supplied.items() if n in ("pairs", "ref_pairs")}
    mixed = 0.8 * loss_of("dpo", supplied) + 0.2 * loss_of("dpo", swapped)
    torch.testing.assert_close(loss_of("dpo", supplied, smoothing=0.2), mixed)
