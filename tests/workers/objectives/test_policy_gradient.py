"""Policy gradient: by hand, and its gradient against differences."""

from dataclasses import replace

import torch

from tests.workers.stage import gradients, run_loss, slope, stage
from workers.engine.tensors import Pass


def test_by_hand() -> None:
    """Advantage 2 and log-probability -1.5: loss 3; advantage -0.5 and -4: loss -2; outside the mask 0."""
    mask_NT = torch.tensor([[True, True, False]])
    made = replace(
        stage(),
        now=Pass(torch.tensor([[-1.5, -4.0, -9.0]]), mask_NT),
        advantage_NT=torch.tensor([[2.0, -0.5, 0.0]]),
    )
    assert run_loss("objectives", "policy_gradient", made).token_NT.tolist() == [[3.0, -2.0, 0.0]]


def test_its_gradient_agrees_with_differences() -> None:
    made = stage(torch.float64, junk=0.0)
    _, gradient = gradients("objectives", "policy_gradient", made, {})
    torch.testing.assert_close(gradient["logp"], slope("objectives", "policy_gradient", made, {}, "logp_NT"))


def test_it_does_not_look_at_the_past() -> None:
    """Whatever the sampling policy said, the loss is the same: that is why it is for one pass over a batch."""
    made = stage()
    other = replace(made, was=replace(made.was, logp_NT=made.was.logp_NT * 3))
    assert torch.equal(
        run_loss("objectives", "policy_gradient", made).token_NT,
        run_loss("objectives", "policy_gradient", other).token_NT,
    )
