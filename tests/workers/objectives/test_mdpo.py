"""MDPO: its closed form on a state with three actions, its schedule, and its divergences."""

from dataclasses import replace
from math import log
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.pushed import differences, pushes, said, spoken
from tests.workers.stage import stage
from workers.engine.tensors import Pass, Progress
from workers.objectives import mdpo

THREE = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
OWED = [1.0, 0.0, -0.5]
CLOSED = [0.643971, 0.234353, 0.121676]
HALF = Progress(6, 10)  # half of the run is done: t = 0.5


def expected_loss(
    logits_V: Tensor, owed: list[float] = OWED, was_V: Tensor = THREE, progress: Progress = HALF, **params: Any
) -> tuple[Tensor, Tensor]:
    """The mean over actions that the old policy draws: loss, and divergence."""
    logp_V = logits_V.log_softmax(0)
    made = spoken([[0.0]] * 3, owed=owed)
    now = Pass(logp_V[:, None], made.now.mask_NT)
    loss, value = said(
        "mdpo",
        made,
        params,
        now=now,
        was=Pass(was_V.log()[:, None], made.now.mask_NT),
        progress=progress,
        over_vocabulary=lambda function: function(logp_V.expand(3, 3), was_V.log().expand(3, 3))[:, None],
    )
    return (was_V * value[:, 0]).sum(), loss.statistics["divergence"][0, 0]


def descended(steps: int, rate: float = 1.0, start_V: Tensor = THREE, **given: Any) -> list[float]:
    """The policy after plain gradient steps on the expected loss, from a table of logits."""
    logits_V = start_V.log()
    for _ in range(steps):
        leaf = logits_V.clone().requires_grad_()
        (gradient_V,) = torch.autograd.grad(expected_loss(leaf, **given)[0], leaf)
        logits_V = logits_V - rate * gradient_V
    return logits_V.softmax(0).tolist()


def test_the_closed_form_and_its_value() -> None:
    """pi_k exp(t A), normalised; the objective there is ln(sum pi_k exp(t A)) / t, the KL 0.044612."""
    best_V = (THREE.log() + 0.5 * torch.tensor(OWED)).softmax(0)
    assert best_V.tolist() == pytest.approx(CLOSED, abs=1e-6)
    loss, divergence = expected_loss(best_V.log())
    assert float(-loss) == pytest.approx(0.493909, abs=1e-6)
    assert float(-loss) == pytest.approx(float((THREE * (0.5 * torch.tensor(OWED)).exp()).sum().log()) / 0.5)
    assert float(divergence) == pytest.approx(0.044612, abs=1e-6)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, [0.609109, 0.240128, 0.150763]), (10, [0.643769, 0.233901, 0.122330]), (200, CLOSED)],
)
def test_gradient_steps_lead_to_the_closed_form(steps: int, expected: list[float]) -> None:
    assert descended(steps) == pytest.approx(expected, abs=1e-6)


def test_in_the_first_pass_it_is_the_importance_weighted_policy_gradient() -> None:
    """At the old policy the divergence pushes nothing, whatever t and q: the catalogue's m = 1."""
    for q in (1.0, 0.5, 2.0):
        logits_V = THREE.log().requires_grad_()
        (gradient_V,) = torch.autograd.grad(expected_loss(logits_V, [0.0, 0.0, 0.0], tsallis_q=q)[0], logits_V)
        assert gradient_V.abs().max() < 1e-15
    made = stage(torch.float64)
    level = replace(made, now=replace(made.now, logp_NT=made.was.logp_NT.clone()))
    _, _, ours = pushes("mdpo", level)
    _, _, plain = pushes("ppo_clip", level, {"eps_low": 1.0, "eps_high": 1e9})
    torch.testing.assert_close(ours["logp"], plain["logp"])


def test_a_constant_on_all_advantages_changes_nothing() -> None:
    moved = [one + 0.7 for one in OWED]
    assert descended(200, owed=moved) == pytest.approx(CLOSED, abs=1e-6)
    logits_V = torch.tensor([0.1, -0.4, 0.3], dtype=torch.float64, requires_grad=True)
    (plain_V,) = torch.autograd.grad(expected_loss(logits_V)[0], logits_V)
    (moved_V,) = torch.autograd.grad(expected_loss(logits_V, moved)[0], logits_V)
    torch.testing.assert_close(plain_V, moved_V)


def test_two_steps_are_one_of_their_sum() -> None:
    """t = 0.3 and then 0.2 with the same advantages, each solved: t = 0.5 at once."""
    first = descended(300, rate=0.3, progress=Progress(8, 10))
    between_V = torch.tensor(first, dtype=torch.float64)
    both = descended(300, rate=0.2, start_V=between_V, was_V=between_V, progress=Progress(9, 10))
    assert both == pytest.approx(CLOSED, abs=1e-6)


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("linear", 1, 1.0),
        ("linear", 60, 1 / 60),  # the last of 60: 1/K
        ("constant", 60, 1.0),
        ("sqrt", 1, 1.0),
        ("sqrt", 4, 0.5),
    ],
)
def test_the_schedule(schedule: str, step: int, expected: float) -> None:
    """Seen in the loss: with no advantage it is divergence over t."""
    logits_V = torch.tensor([0.1, -0.4, 0.3], dtype=torch.float64)
    loss, divergence = expected_loss(logits_V, [0.0, 0.0, 0.0], progress=Progress(step, 60), t_schedule=schedule)
    assert float(divergence / loss) == pytest.approx(expected)


def test_the_linear_schedule_stops_at_a_hundredth() -> None:
    assert mdpo.step_size("linear", Progress(1000, 1000)) == 0.01


@pytest.mark.parametrize(("q", "expected"), [(2.0, -1.5), (0.5, -0.735089), (1.0, -0.916291)])
def test_log_q(q: float, expected: float) -> None:
    assert float(mdpo.log_q(torch.tensor(log(0.4), dtype=torch.float64), q)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("q", [0.5, 0.999999, 1.000001, 1.5, 2.0])
def test_the_divergence_of_tsallis_entropy(q: float) -> None:
    """By its definition: phi(p) - phi(p_k) - phi'(p_k)(p - p_k) over q, phi(p) = sum (p^q - p) / (q - 1); at q = 2
    half the squared distance; near 1 it is KL. Its gradient is that of the source's term with the bracket held."""
    logits_V = torch.tensor([0.1, -0.4, 0.3], dtype=torch.float64, requires_grad=True)
    p_V = logits_V.softmax(0)
    _, found = expected_loss(logits_V, tsallis_q=q)
    now_V = p_V.detach()
    if abs(q - 1) > 0.1:
        slope_V = (q * THREE ** (q - 1) - 1) / (q - 1)
        plain = ((now_V**q - now_V).sum() - (THREE**q - THREE).sum()) / (q - 1) - (slope_V * (now_V - THREE)).sum()
        assert float(found) == pytest.approx(float(plain) / q)
    else:
        assert float(found) == pytest.approx(float((now_V * (now_V / THREE).log()).sum()), abs=1e-5)
    if q == 2:
        assert float(found) == pytest.approx(float((now_V - THREE).square().sum()) / 2)
    (ours_V,) = torch.autograd.grad(expected_loss(logits_V, [0.0] * 3, tsallis_q=q)[0] * 0.5, logits_V)
    bracket_V = ((p_V ** (q - 1) - THREE ** (q - 1)) / (q - 1)).detach()
    (source_V,) = torch.autograd.grad((p_V * bracket_V).sum(), logits_V)
    torch.testing.assert_close(ours_V, source_V, atol=1e-5 if abs(q - 1) < 0.1 else 1e-9, rtol=1e-5)


@pytest.mark.parametrize("params", [{}, {"tsallis_q": 0.5}, {"t_schedule": "sqrt"}])
def test_its_gradient_agrees_with_differences(params: dict[str, Any]) -> None:
    """On the stage's vocabulary of two, where the chosen token's log-probability moves the other's too."""
    made = stage(torch.float64, junk=0.0)
    _, _, gradient = pushes("mdpo", made, params)
    torch.testing.assert_close(gradient["logp"], differences("mdpo", made, params), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("c", "lam", "expected"), [(1.0, 0.2, -0.98), (0.2, 0.2, -0.9)])
def test_the_off_policy_loss(c: float, lam: float, expected: float) -> None:
    """ln pi -1, -2; ln pi_k -1.3, -1.5; Q 0.5, 0.7. With c = lam it is soft actor-critic's mean(0.2 ln pi - Q)."""
    logp_M, was_M, value_M = torch.tensor([[-1.0, -2.0], [-1.3, -1.5], [0.5, 0.7]], dtype=torch.float64)
    found_M = mdpo.off_policy_loss(logp_M, was_M, value_M, klcoeff=c, lam_entropy=lam)
    assert float(found_M.mean()) == pytest.approx(expected)
    if c == lam:
        torch.testing.assert_close(found_M, 0.2 * logp_M - value_M)


def test_words_of_no_probability_do_not_make_it_infinite() -> None:
    """At q = 1/2 the source's logarithm of a probability of e^-200 is -2 (e^100 - 1), beyond float32."""
    now_MV = torch.tensor([[0.0, -200.0, -300.0]]).log_softmax(-1).requires_grad_()
    was_MV = torch.tensor([[0.0, -300.0, -200.0]]).log_softmax(-1)
    for q in (0.5, 1.0, 2.0):
        found_M = mdpo.divergence(now_MV, was_MV, q)
        (gradient_MV,) = torch.autograd.grad(found_M.sum(), now_MV)
        assert found_M.isfinite().all()
        assert gradient_MV.isfinite().all()
