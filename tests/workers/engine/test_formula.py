"""Formulas on tensors: the same numbers and gradients as the methods they spell out, and silence outside the mask."""

import pytest
import torch

from tests.workers.stage import NAN, Stage, gradients, run_credit, stage
from workers.contract.errors import RunError
from workers.contract.formula import parse
from workers.contract.spec import Pick
from workers.engine.formula import make_formula
from workers.engine.load import call
from workers.engine.recipe import make_part
from workers.engine.tensors import Credit, Loss, Pass

GRPO = "(r - mean(r, group)) / (std(r, group) + 1e-6)"
CLIP = "-min(ratio * A, clip(ratio, 1 - 0.2, 1 + 0.2) * A)"


def credit(text: str, made: Stage) -> torch.Tensor:
    found = call(make_formula(parse(text, "credit"), "mine"), made.supplied(), {})
    assert isinstance(found, Credit)
    return found.advantage_NT


def loss(text: str, made: Stage) -> tuple[torch.Tensor, torch.Tensor]:
    """The formula's loss, and its gradient by the log-probabilities."""
    logp_NT = made.now.logp_NT.clone().requires_grad_()
    entropy_NT = made.now.entropy_NT
    supplied = made.supplied(now=Pass(logp_NT, made.now.mask_NT, entropy_NT))
    found = call(make_formula(parse(text, "objectives"), "mine"), supplied, {})
    assert isinstance(found, Loss)
    (gradient_NT,) = torch.autograd.grad(found.token_NT.sum(), logp_NT)
    return found.token_NT, gradient_NT


def test_grpo_written_as_a_formula_is_grpo() -> None:
    torch.testing.assert_close(credit(GRPO, stage()), run_credit("grpo", stage()).advantage_NT)


def test_leave_one_out_written_as_a_formula_is_rloo() -> None:
    """(r − (sum − r)/(n − 1)), on groups of more than one."""
    made = stage()
    text = "n = sum(r * 0 + 1, group)\nwhere(n > 1, r - (sum(r, group) - r) / max(n - 1, 1), 0)"
    torch.testing.assert_close(credit(text, made), run_credit("rloo", made).advantage_NT, rtol=1e-5, atol=1e-6)


def test_the_clipped_surrogate_written_as_a_formula_is_itself_in_value_and_gradient() -> None:
    made = stage(dtype=torch.float64)
    value_NT, gradient_NT = loss(CLIP, made)
    expected, found = gradients("objectives", "ppo_clip", made, {})
    torch.testing.assert_close(value_NT, expected.token_NT)
    torch.testing.assert_close(gradient_NT, found["logp"])


@pytest.mark.parametrize("junk", [1e6, NAN])
@pytest.mark.parametrize("text", [CLIP, "log(ratio) * A / std(logp, group)", "(logp - mean(logp, completion)) ** 2"])
def test_it_is_silent_outside_the_mask(text: str, junk: float) -> None:
    noisy, clean = stage(junk=junk), stage(junk=0.0)
    value_NT, gradient_NT = loss(text, noisy)
    outside = ~noisy.mask_NT
    assert (value_NT[outside] == 0).all()
    assert (gradient_NT[outside] == 0).all()
    other_NT, other_gradient_NT = loss(text, clean)
    torch.testing.assert_close(value_NT, other_NT)
    torch.testing.assert_close(gradient_NT, other_gradient_NT)


@pytest.mark.parametrize(
    "text",
    [
        "ratio * A", "-min(ratio * A, clip(ratio, 0.8, 1.2) * A)", "(logp - ref_logp) ** 2 + exp(ref_logp - logp)",
        "sigmoid(sum(logp, completion) - mean(logp, group)) + tanh(logp)",
        "sqrt(1 + abs(logp)) / (std(logp, group) + 1)",
        "before(logp) * after(logp, 0.9) + max(logp, group)",
        "x = mean(ratio, group)\nlog(x + ratio) * where(A > 0, A, -1)",
        "median(logp, completion) * logp + median(ratio, group)",
        "next(logp) * before(logp, 0.5) + softplus(logp) / logp ** 2",
    ],
)  # fmt: skip
def test_gradients_are_those_of_finite_differences(text: str) -> None:
    made = stage(dtype=torch.float64, junk=0.0)
    part = make_formula(parse(text, "objectives"), "mine")

    def total(logp_NT: torch.Tensor) -> torch.Tensor:
        found = call(part, made.supplied(now=Pass(logp_NT, made.now.mask_NT, made.now.entropy_NT)), {})
        assert isinstance(found, Loss)
        return found.token_NT.sum()

    assert torch.autograd.gradcheck(total, made.now.logp_NT.clone().requires_grad_(), eps=1e-6, atol=1e-5)


def test_reductions_by_hand() -> None:
    """Group 1 of the stage: rewards 1, 0 and 0 with 4, 3 and 0 tokens (rows 2, 4, 9)."""
    made = stage()
    assert credit("mean(r, group)", made)[2, 0] == pytest.approx(1 / 3)
    assert credit("sum(r, group)", made)[2, 0] == 1.0
    assert credit("max(r, group) - min(r, group)", made)[2, 0] == 1.0
    assert credit("sum(position, completion)", made)[2, 0] == 0 + 1 + 2 + 3
    assert credit("length", made)[2, 0] == 4.0
    assert credit("mean(length * 0 + position, group)", made)[2, 0] == pytest.approx((0 + 1 + 2 + 3 + 0 + 1 + 2) / 7)
    assert credit("before(position)", made)[2, [0, 1, 4, 5]].tolist() == [0, 1, 3, 6]
    assert credit("after(position)", made)[2, [0, 1, 4, 5]].tolist() == [6, 6, 5, 3]


def test_equal_rewards_push_nobody() -> None:
    """Rows 5 to 7 all earn 0.1: their mean is 0.1 to the last bit."""
    assert (credit("(r - mean(r, group)) / (std(r, group) + 1e-30)", stage())[5:8] == 0).all()


def test_no_gradient_leaves_credit_and_stop_stops() -> None:
    made = stage(dtype=torch.float64)
    assert not credit("logp * r", made).requires_grad
    _, gradient_NT = loss("stop(ratio) * A * logp", made)
    torch.testing.assert_close(
        gradient_NT, torch.where(made.mask_NT, (made.now.logp_NT - made.was.logp_NT).exp() * made.advantage_NT, 0.0)
    )


def test_what_is_no_number_ends_in_a_sentence() -> None:
    with pytest.raises(RunError, match="gives no finite number on"):
        make_part(Pick("credit", "mine", source="log(r - 5)"))(**stage().supplied())
    with pytest.raises(RunError, match="column 5: there is no function 'sine'"):
        make_part(Pick("credit", "mine", source="r + sine(r)"))
