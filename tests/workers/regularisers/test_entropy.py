"""Entropy bonus: by hand, its gradient against differences, and that it needs a pass with entropies."""

from dataclasses import replace
from math import log

import pytest
import torch

from tests.workers.one_token import held
from tests.workers.stage import gradients, run_loss, slope, stage

METHOD = ("regularisers", "entropy")


def test_by_hand() -> None:
    """A fair coin has ln 2 nats; with coefficient 0.1 the loss is -0.0693147, and its slope by the entropy -0.1."""
    made = held(0.0, entropy=log(2))
    loss, gradient = gradients(*METHOD, made, {"coef": 0.1})
    assert float(loss.token_NT.detach()) == pytest.approx(-0.0693147, abs=1e-7)
    assert float(loss.statistics["entropy"]) == pytest.approx(0.6931472, abs=1e-7)
    assert float(gradient["entropy"]) == pytest.approx(-0.1)
    assert float(gradient["logp"]) == 0.0


def test_its_gradient_agrees_with_differences() -> None:
    made = stage(torch.float64, junk=0.0)
    _, gradient = gradients(*METHOD, made, {"coef": 0.3})
    torch.testing.assert_close(gradient["entropy"], slope(*METHOD, made, {"coef": 0.3}, "entropy_NT"))


def test_a_pass_without_entropies_is_the_engines_mistake() -> None:
    made = stage()
    with pytest.raises(AssertionError, match="entropies"):
        run_loss(*METHOD, replace(made, now=replace(made.now, entropy_NT=None)))
