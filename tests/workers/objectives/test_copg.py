"""CoPG: the catalogue's numbers, the paper's own form, its optima on bandits, and its relatives."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.pushed import Words, differences, pushes, said, spoken
from tests.workers.stage import run_credit

OPTIMUM = [0.705385, 0.259496, 0.035119]


def prompt(logp: list[float], ref: list[float], rewards: list[float], **params: Any) -> tuple[float, list[float]]:
    """Loss and gradient for completions of one token."""

    def each(values: list[float]) -> Words:
        return [[value] for value in values]

    made = spoken(each(logp), ref=each(ref), rewards=rewards)
    _, value, gradient = pushes("copg", made, params)
    return float(value[0]), gradient["logp"][:, 0].tolist()


def test_two_completions() -> None:
    """R = 0.75, -0.25: (1)^2; gradient -2 beta k / (k - 1) (R_i - mean) = -2 x 0.5 x 2 x 0.5."""
    loss, gradient = prompt([-2, -1], [-2.5, -1.5], [1, 0], beta=0.5)
    assert loss == pytest.approx(1.0)
    assert gradient == pytest.approx([-1.0, 1.0])


def test_three_completions() -> None:
    """R = 0.95, -0.05, 0.6: (1 + 0.1225 + 0.4225) / 2."""
    loss, gradient = prompt([-2, -1, -3], [-2.5, -1.5, -2], [1, 0, 0.5], beta=0.1)
    assert loss == pytest.approx(0.7725)
    assert gradient == pytest.approx([-0.135, 0.165, -0.030])
    assert sum(gradient) == pytest.approx(0, abs=1e-12)


def test_with_rewards_of_a_quarter_it_is_ipo() -> None:
    """(1/2 - beta h)^2 = beta^2 (h - 1 / (2 beta))^2 at beta 0.1, h 0.3: 0.2209 = 0.01 x 22.09."""
    loss, _ = prompt([-1.8, -2.1], [-2.0, -2.0], [0.25, -0.25], beta=0.1)
    assert loss == pytest.approx(0.2209)
    assert loss == pytest.approx(0.01 * (0.3 - 5) ** 2)


def test_what_all_completions_of_a_prompt_earn_does_not_matter() -> None:
    plain = prompt([-2, -1, -3], [-2.5, -1.5, -2], [1, 0, 0.5])
    moved = prompt([-2, -1, -3], [-2.5, -1.5, -2], [8, 7, 7.5])
    assert moved[0] == pytest.approx(plain[0])
    assert moved[1] == pytest.approx(plain[1])


def test_the_papers_own_form() -> None:
    """l = Dr Dh - (beta / 2) Dh^2 = 0.8 x 0.3 - 0.25 x 0.09 = 0.2175, to be maximised, is minus our loss over 2 beta
    and a constant Dr^2 / (2 beta) = 0.64; its gradient is (0.65, -0.65), ours 2 beta times that, with a loss's sign."""
    given: tuple[list[float], list[float], list[float]] = ([-2, -1], [-2.5, -1.2], [1, 0.2])
    loss, gradient = prompt(*given, beta=0.5)
    assert -loss == pytest.approx(-0.4225)
    assert -loss / (2 * 0.5) + 0.64 == pytest.approx(0.2175)
    assert gradient == pytest.approx([-0.65, 0.65])
    _, plain = prompt(*given, beta=0.5, loss_form="pg")
    assert plain == pytest.approx([-0.65, 0.65])
    _, weaker = prompt(*given, beta=0.1)
    _, weaker_plain = prompt(*given, beta=0.1, loss_form="pg")
    assert weaker == pytest.approx([0.2 * one for one in weaker_plain])


def expected_loss(logits_V: Tensor, rewards: list[float], ref: list[float], mus: Any, **params: Any) -> Tensor:
    """The mean loss over all pairs (y, y') with y drawn from one distribution and y' from another."""
    logp_V, ref_V = logits_V.log_softmax(0), torch.tensor(ref, dtype=torch.float64).log()
    count = len(rewards)
    pairs = [arm for first in range(count) for second in range(count) for arm in (first, second)]
    made = spoken(
        [[0.0]] * len(pairs), rewards=[rewards[arm] for arm in pairs], groups=[n // 2 for n in range(len(pairs))]
    )
    now_NT = logp_V[pairs][:, None]
    now = type(made.now)(now_NT, made.now.mask_NT)
    _, loss_P = said("copg", made, params, now=now, ref_logp_NT=ref_V[pairs][:, None])
    first_V, second_V = (mu if isinstance(mu, Tensor) else torch.tensor(mu, dtype=torch.float64) for mu in mus)
    return (first_V[:, None] * second_V[None] * loss_P.reshape(count, count)).sum()


def lowest(loss: Callable[[Tensor], Tensor], count: int) -> list[float]:
    """The distribution at which a loss of logits is least, by steepest descent with curvature from L-BFGS."""
    logits_V = torch.zeros(count, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits_V], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)
    step: Callable[..., Any] = optimiser.step

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(logits_V)
        torch.autograd.backward(value)
        return value

    step(closure)
    return logits_V.detach().softmax(0).tolist()


BANDIT: dict[str, Any] = {"rewards": [2.5, 2.0, 1.0], "ref": [1 / 3] * 3}
MUS = ([0.1, 0.2, 0.7], [0.05, 0.05, 0.9])


def value_of(p: list[float]) -> float:
    """J = E r - beta KL to the uniform reference, beta 0.5."""
    p_V = torch.tensor(p, dtype=torch.float64)
    return float((p_V * torch.tensor([2.5, 2.0, 1.0])).sum() - 0.5 * (p_V * (3 * p_V).log()).sum())


def test_the_papers_bandit_off_policy_reaches_the_optimum() -> None:
    assert value_of(OPTIMUM) == pytest.approx(2.125200, abs=1e-6)
    found = lowest(lambda logits_V: expected_loss(logits_V, **BANDIT, mus=MUS, beta=0.5), 3)
    assert found == pytest.approx(OPTIMUM, abs=1e-6)


def test_the_policy_gradient_without_baseline_ends_elsewhere_on_the_same_data() -> None:
    """Its fixed point, where mu(y) R(y) is in proportion to pi(y), has J = 1.487407."""
    fixed = [0.193990, 0.250139, 0.555871]
    assert value_of(fixed) == pytest.approx(1.487407, abs=1e-5)
    logits_V = torch.tensor(fixed, dtype=torch.float64).log().requires_grad_()
    logp_V = logits_V.log_softmax(0)
    regularised_V = torch.tensor([2.5, 2.0, 1.0]) - 0.5 * (logp_V.detach() + torch.tensor(3.0).log())
    made = spoken([[0.0]] * 3, owed=regularised_V.tolist())
    now = type(made.now)(logp_V[:, None], made.now.mask_NT)
    _, value = said("policy_gradient", made, now=now)
    mu_V = (torch.tensor(MUS[0], dtype=torch.float64) + torch.tensor(MUS[1], dtype=torch.float64)) / 2
    (plain_V,) = torch.autograd.grad((mu_V * value[:, 0]).sum(), logits_V, retain_graph=True)
    (ours_V,) = torch.autograd.grad(expected_loss(logits_V, **BANDIT, mus=MUS, beta=0.5), logits_V)
    assert plain_V.abs().max() < 1e-5
    assert ours_V.abs().max() > 0.05


@pytest.mark.parametrize(("form", "factor"), [("pg", 1.0), ("squared", 2 * 0.5)])
def test_on_policy_it_climbs_twice_the_gradient_of_the_regularised_reward(form: str, factor: float) -> None:
    logits_V = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log().requires_grad_()
    pi_V = logits_V.detach().softmax(0)
    loss = expected_loss(logits_V, **BANDIT, mus=(pi_V, pi_V), beta=0.5, loss_form=form)
    (gradient_V,) = torch.autograd.grad(loss, logits_V)
    assert (-gradient_V / factor).tolist() == pytest.approx([0.281747, 0.022296, -0.304043], abs=1e-6)
    p_V = logits_V.softmax(0)
    j = (p_V * torch.tensor([2.5, 2.0, 1.0])).sum() - 0.5 * (p_V * (3 * p_V).log()).sum()
    (climb_V,) = torch.autograd.grad(j, logits_V)
    torch.testing.assert_close(-gradient_V / factor, 2 * climb_V)


def test_the_table_bandit_under_any_data() -> None:
    """pi_ref exp(r / beta), normalised: 0.6, 0.3 e, 0.1 e^2."""
    given: dict[str, Any] = {"rewards": [0.0, 1.0, 2.0], "ref": [0.6, 0.3, 0.1]}
    mu = [0.2, 0.5, 0.3]
    found = lowest(lambda logits_V: expected_loss(logits_V, **given, mus=(mu, mu), beta=1.0), 3)
    assert found == pytest.approx([0.278501, 0.378522, 0.342977], abs=1e-6)


def test_at_the_optimum_every_pair_is_at_rest() -> None:
    """pi* = 0.6, 0.3 e, 0.1 e^2 over their sum: log pi* - log pi_ref - r is one constant."""
    shares, rewards = torch.tensor([[0.6, 0.3, 0.1], [0.0, 1.0, 2.0]], dtype=torch.float64)
    best = (shares.log() + rewards).log_softmax(0).tolist()
    ref = shares.log().tolist()
    for arms in ((0, 1), (1, 2), (0, 2), (0, 1, 2)):
        loss, gradient = prompt(*([row[a] for a in arms] for row in (best, ref, rewards.tolist())), beta=1.0)
        assert loss == pytest.approx(0, abs=1e-24)
        assert gradient == pytest.approx([0.0] * len(arms), abs=1e-12)


def test_without_a_penalty_it_is_leave_one_out() -> None:
    """The identity with RLOO's advantages and the plain policy gradient, per prompt, as beta goes to 0."""
    made = spoken(
        [[-1.0, -0.5], [-2.0], [-0.3, -0.9], [-1.1]],
        ref=[[-1.1, -0.4], [-1.0], [-0.5, -1.0], [-1.5]],
        rewards=[1.0, 0.0, 0.5, 0.25],
    )
    _, _, gradient = pushes("copg", made, {"loss_form": "pg", "beta": 1e-9})
    advantage_NT = run_credit("rloo", made).advantage_NT
    _, _, plain = pushes("policy_gradient", made, advantage_NT=advantage_NT)
    torch.testing.assert_close(gradient["logp"], plain["logp"], atol=1e-7, rtol=0)


@pytest.mark.parametrize("params", [{}, {"length_normalise": True}, {"beta": 0.7}])
def test_its_gradient_agrees_with_differences(params: dict[str, Any]) -> None:
    made = spoken(
        [[-1.0, -0.5], [-2.0], [-0.3, -0.9], [-1.1], [-0.2]],
        ref=[[-1.1, -0.4], [-1.0], [-0.5, -1.0], [-1.5], [-0.2]],
        rewards=[1.0, 0.0, 0.5, 0.25, 1.0],
        groups=[4, 4, 4, 2, 2],
    )
    _, _, gradient = pushes("copg", made, params)
    torch.testing.assert_close(gradient["logp"], differences("copg", made, params), atol=1e-7, rtol=1e-6)


def test_length_normalised_by_hand() -> None:
    """Distances 0.2 over two tokens and 0.4 over one: R = 1 - 0.1 x 0.1, 0 - 0.1 x 0.4; (0.99 + 0.04)^2."""
    made = spoken([[-1.0, -1.0], [-1.0]], ref=[[-1.1, -1.1], [-1.4]], rewards=[1.0, 0.0])
    assert float(said("copg", made, {"length_normalise": True})[1]) == pytest.approx(1.0609)


def test_a_completion_alone_has_nothing_to_be_compared_with() -> None:
    made = spoken([[-1.0], [-2.0], [-2.5]], ref=[[-1.5], [-1.0], [-1.0]], rewards=[1.0, 0.0, 1.0], groups=[7, 3, 3])
    _, value_P, gradient = pushes("copg", made)
    assert float(value_P[1]) == 0  # groups in the order of their numbers: 3, 7
    assert float(value_P[0]) > 0
    assert float(gradient["logp"][0, 0]) == 0


def test_a_completion_without_a_token_counts_not() -> None:
    """Whatever it earned: the other two are compared with each other alone."""
    made = spoken([[-1.0], [], [-2.5]], ref=[[-1.5], [], [-1.0]], rewards=[1.0, 0.0, 0.0])
    two = spoken([[-1.0], [-2.5]], ref=[[-1.5], [-1.0]], rewards=[1.0, 0.0])
    reward_N = torch.tensor([1.0, 9.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(said("copg", made, reward_N=reward_N)[1], said("copg", two)[1])
