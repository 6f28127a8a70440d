"""TGDPO: the catalogue's numbers, DPO as its case, and the gradient of each token."""

import pytest
import torch

from tests.workers.pairing import given, loss_of, pairs

NUMBERS = {
    "pairs": pairs([[-0.8, -1.2, -0.4]], [[-0.9, -1.6]]),
    "ref_pairs": pairs([[-1.0, -1.0, -0.5]], [[-0.7, -1.5]]),
    "guide_pairs": pairs([[-0.2, -1.5, -0.5]], [[-2.7, -1.2]]),
}


def test_the_catalogues_numbers() -> None:
    """f_w = 1.04, 0.975, 1; f_l = 1.1, 0.985; z = 0.043150."""
    assert float(loss_of("tgdpo", NUMBERS, beta=0.1, alpha=0.5)) == pytest.approx(0.671805, abs=1e-6)
    assert float(loss_of("tgdpo", NUMBERS, beta=0.1, alpha=0.0)) == pytest.approx(0.673347, abs=1e-6)


def test_the_gradient_of_a_token_has_its_weight() -> None:
    """σ(-0.04315) · 0.1 · f: with σ(-0.04315) = 0.489214."""
    chosen, rejected = (
        side.logp_NT.clone().requires_grad_() for side in (NUMBERS["pairs"].chosen, NUMBERS["pairs"].rejected)
    )
    policy = type(NUMBERS["pairs"])(
        type(NUMBERS["pairs"].chosen)(chosen, NUMBERS["pairs"].chosen.mask_NT),
        type(NUMBERS["pairs"].chosen)(rejected, NUMBERS["pairs"].rejected.mask_NT),
    )
    up, down = torch.autograd.grad(loss_of("tgdpo", {**NUMBERS, "pairs": policy}).sum(), (chosen, rejected))
    assert up[0].tolist() == pytest.approx([-0.0489214 * f for f in (1.04, 0.975, 1.0)], abs=1e-6)
    assert down[0].tolist() == pytest.approx([0.0489214 * f for f in (1.1, 0.985)], abs=1e-6)


def test_without_guidance_it_is_dpo() -> None:
    supplied = given()
    torch.testing.assert_close(loss_of("tgdpo", supplied, alpha=0.0), loss_of("dpo", supplied))
    torch.testing.assert_close(
        loss_of("tgdpo", {**supplied, "guide_pairs": supplied["ref_pairs"]}, alpha=1.5), loss_of("dpo", supplied)
    )


def test_a_constant_weight_is_dpo_at_another_temperature() -> None:
    """A guide that likes each token of the better and dislikes each of the worse by 2: f = 1 + 0.5 · 0.1 · 2 = 1.1."""
    supplied = given()
    reference = supplied["ref_pairs"]

    def by(side: torch.Tensor, step: float) -> torch.Tensor:
        return side + step

    guide = type(reference)(
        type(reference.chosen)(by(reference.chosen.logp_NT, 2.0), reference.chosen.mask_NT),
        type(reference.chosen)(by(reference.rejected.logp_NT, -2.0), reference.rejected.mask_NT),
    )
    torch.testing.assert_close(
        loss_of("tgdpo", {**supplied, "guide_pairs": guide}), loss_of("dpo", supplied, beta=0.11)
    )
