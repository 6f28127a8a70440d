"""INPO: the catalogue's numbers, IPO as its case, and the tabular game that it plays."""

import numpy as np
import pytest
import torch

from tests.workers.pairing import given, loss_of, pairs
from workers.engine.tensors import Pairs, Pass

NUMBERS = {
    "pairs": pairs([[-10.0]], [[-12.0]]),
    "ref_pairs": pairs([[-11.0]], [[-11.5]]),
    "previous_pairs": pairs([[-10.5]], [[-11.8]]),
}
WINS = np.array([[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]])
REFERENCE = np.array([0.5, 0.3, 0.2])


@pytest.mark.parametrize(("k", "loss"), [(1 / 3, 0.001111), (0.0, 0.09), (1.0, 0.25)])
def test_the_catalogues_numbers(k: float, loss: float) -> None:
    """Margins h = 0.966667, 0.7 and 1.5 against 1 / (2 · 0.5) = 1."""
    assert float(loss_of("inpo", NUMBERS, eta=0.5, tau_over_eta=k)) == pytest.approx(loss, abs=1e-6)


def test_swapping_the_sides_negates_the_margin() -> None:
    """(h - 1)² and (-h - 1)² differ by 4h: h = 0.966667."""
    swapped = {name: type(one)(one.rejected, one.chosen) for name, one in NUMBERS.items()}
    gap = loss_of("inpo", swapped, eta=0.5) - loss_of("inpo", NUMBERS, eta=0.5)
    assert float(gap) == pytest.approx(4 * 0.966667, abs=1e-4)


def test_with_all_weight_on_the_reference_it_is_ipo() -> None:
    """eta = tau: the margin aimed at is 1 / (2 eta), as IPO's with beta = eta."""
    supplied = given()
    one = loss_of("inpo", supplied, eta=0.3, tau_over_eta=1.0)
    torch.testing.assert_close(one, loss_of("ipo", supplied, beta=0.3, length="sum"))


def population(policy: torch.Tensor, before: np.ndarray, k: float, eta: float) -> torch.Tensor:
    """The expected loss over two samples of `before` that the oracle orders, by the method itself."""
    total = torch.zeros((), dtype=torch.float64)
    for y in range(3):
        for other in range(3):
            supplied = {
                "pairs": Pairs(_of(policy.log(), y), _of(policy.log(), other)),
                "ref_pairs": pairs([[float(np.log(REFERENCE[y]))]], [[float(np.log(REFERENCE[other]))]]),
                "previous_pairs": pairs([[float(np.log(before[y]))]], [[float(np.log(before[other]))]]),
            }
            # A draw (y, other) and its mirror image both end as (y, other) when y wins.
            weight = 2 * before[y] * before[other] * WINS[y, other]
            total = total + weight * loss_of("inpo", supplied, eta=eta, tau_over_eta=k).sum()
    return total


def _of(logp_V: torch.Tensor, token: int) -> Pass:
    return Pass(logp_V[token].reshape(1, 1), torch.ones(1, 1, dtype=torch.bool))


def test_its_minimum_is_the_step_of_mirror_descent() -> None:
    """pi = (.2, .5, .3), k = 0.25, eta = 0.8: argmin [0.295771, 0.439922, 0.264307] with loss 0.380938."""
    before = np.array([0.2, 0.5, 0.3])
    logits = torch.tensor(np.log(before), requires_grad=True)

    optimiser = torch.optim.Adam([logits], lr=0.02)
    for _ in range(800):
        optimiser.zero_grad()
        torch.autograd.backward(population(logits.softmax(0), before, 0.25, 0.8))
        optimiser.step()
    found = logits.softmax(0).detach()
    assert found.tolist() == pytest.approx([0.295771, 0.439922, 0.264307], abs=1e-5)
    assert float(population(found, before, 0.25, 0.8)) == pytest.approx(0.380938, abs=1e-5)


def step(policy: np.ndarray, tau: float, eta: float) -> np.ndarray:
    """The exact step that the loss stands for."""
    raised = np.exp(WINS @ policy / eta) * REFERENCE ** (tau / eta) * policy ** (1 - tau / eta)
    return np.asarray(raised / raised.sum())


def test_the_steps_lead_to_the_nash_policy_of_a_cyclic_preference() -> None:
    policy, found = REFERENCE, {}
    for number in range(1, 501):
        policy = step(policy, 0.2, 1.0)
        found[number] = policy
    assert found[1] == pytest.approx([0.528069, 0.254271, 0.217660], abs=1e-6)
    assert found[2] == pytest.approx([0.540480, 0.221745, 0.237775], abs=1e-6)
    assert found[500] == pytest.approx([0.458006, 0.185220, 0.356774], abs=1e-6)
    best = REFERENCE * np.exp(WINS @ policy / 0.2)
    assert policy == pytest.approx(best / best.sum(), abs=1e-6)


def gap(policy: np.ndarray, tau: float) -> float:
    """What a best response earns against `policy` beyond what `policy` earns against its own: the game is symmetric,
    so that J(a, b) + J(b, a) = 1."""

    def kl(one: np.ndarray) -> float:
        return float((one * np.log(one / REFERENCE)).sum())

    best = REFERENCE * np.exp(WINS @ policy / tau)
    best = best / best.sum()
    return float(2 * (best @ WINS @ policy - tau * kl(best) + tau * kl(policy)) - 1)


def test_the_duality_gap_closes() -> None:
    """0.046541 at the reference, 0 at the end."""
    assert gap(REFERENCE, 0.2) == pytest.approx(0.046541, abs=1e-6)
    policy = REFERENCE
    for _ in range(500):
        policy = step(policy, 0.2, 1.0)
    assert gap(policy, 0.2) == pytest.approx(0.0, abs=1e-9)


def test_without_preferences_the_reference_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of P is 1/2 and the policy is the reference: no slope of the population loss, by the method itself."""
    monkeypatch.setattr("tests.workers.preferences.test_inpo.WINS", np.full((3, 3), 0.5))
    logits = torch.tensor(np.log(REFERENCE), requires_grad=True)
    torch.autograd.backward(population(logits.softmax(0), REFERENCE, 1 / 3, 0.5))
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(3, dtype=torch.float64), atol=1e-9, rtol=0)
