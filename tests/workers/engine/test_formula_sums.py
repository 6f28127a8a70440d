"""What formulas take over groups, completions and the batch, against plain loops; gradients where they are delicate."""

from collections.abc import Callable
from statistics import mean, median, stdev

import pytest
import torch
from torch import Tensor

from tests.workers.engine.test_formula import credit, loss
from tests.workers.stage import GROUP, REWARD, Stage, leaves_of, rows, run_credit, stage
from tests.workers.worked import outcome, rollouts
from workers.contract.formula import parse
from workers.engine.formula import make_credit, make_objective
from workers.engine.tensors import Pass


def _rank(values: list[float]) -> list[float]:
    """Smaller ones before it, and half of its equals."""
    return [sum(b < a for b in values) + (1 + sum(b == a for b in values)) / 2 for a in values]


PLAIN: dict[str, Callable[[list[float]], float]] = {
    "mean": mean,
    "std": lambda values: stdev(values) if len(values) > 1 else 0.0,
    "sum": sum,
    "min": min,
    "max": max,
    "count": len,
    "median": median,
}


def members(made: Stage, scope: str, row: int) -> list[int]:
    """The rows that share a scope with one."""
    if scope == "completion":
        return [row]
    return [n for n in range(len(GROUP)) if scope == "batch" or GROUP[n] == GROUP[row]]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("scope", ["group", "batch", "completion"])
def test_over_tokens_it_is_a_loop_over_the_chosen_tokens_of_the_scope(name: str, scope: str) -> None:
    made = stage(torch.float64)
    found_NT = credit(f"{name}(sign(position - 1) * logp, {scope})", made)
    for row in range(len(GROUP)):
        tokens = []
        for n in members(made, scope, row):
            chosen = made.rollouts.logp_NT[n][made.mask_NT[n]].tolist()
            tokens += [(place > 1) * one - (place < 1) * one for place, one in enumerate(chosen)]
        for number in found_NT[row][made.mask_NT[row]].tolist():
            assert number == pytest.approx(PLAIN[name](tokens), abs=1e-12)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("scope", ["group", "batch"])
def test_over_completions_each_counts_once(name: str, scope: str) -> None:
    made = stage(torch.float64)
    found_NT = credit(f"{name}(r, {scope})", made)
    for row in range(9):
        values = [REWARD[n] for n in members(made, scope, row)]
        assert float(found_NT[row, 0]) == pytest.approx(PLAIN[name](values), abs=1e-12)


def test_a_rank_is_a_place_among_its_own() -> None:
    """Rewards 3, 1, 3, 2 and 9, 9: places 3.5, 1, 3.5, 2 and 1.5, 1.5."""
    batch = rollouts(["A", "B", "C", "D", "A", "B"], groups=[0, 0, 5, 0, 5, 0])
    told_NT = outcome(batch, [3, 1, 9, 3, 9, 2])
    parsed = make_credit(parse("rank(r, group)", "credit"))
    found = parsed(batch.rollouts, told_NT).advantage_NT
    assert found[:, 0].tolist() == [3.5, 1.0, 1.5, 3.5, 1.5, 2.0]


def test_a_rank_of_tokens_stays_with_its_token() -> None:
    made = stage(torch.float64)
    found_NT = credit("rank(sign(position - 1), completion)", made)
    for row in range(len(GROUP)):
        chosen = found_NT[row][made.mask_NT[row]].tolist()
        assert chosen == _rank([(place > 1) - (place < 1) for place in range(len(chosen))])


def test_sums_along_a_completion_pass_over_holes() -> None:
    """Row 2 has chosen tokens at 0, 1, 4, 5; their positions are 0, 1, 2, 3.

    after with 1/2: 3, 2 + 3/2 = 3.5, 1 + 3.5/2 = 2.75, 0 + 2.75/2 = 1.375. before: 0, 1, 2.5, 4.25.
    """
    made, chosen = stage(), [0, 1, 4, 5]
    assert credit("after(position, 0.5)", made)[2, chosen].tolist() == [1.375, 2.75, 3.5, 3.0]
    assert credit("before(position, 0.5)", made)[2, chosen].tolist() == [0.0, 1.0, 2.5, 4.25]
    assert credit("next(position)", made)[2, chosen].tolist() == [1.0, 2.0, 3.0, 0.0]


def test_gae_written_as_a_formula_is_gae_with_its_targets() -> None:
    made = stage(torch.float64)
    text = "d = r_token + 0.9 * next(value) - value\ntarget = after(d, 0.9 * 0.8) + value\nafter(d, 0.72)"
    expected = run_credit("gae", made, {"gamma": 0.9, "lam": 0.8, "standardise": False})
    found = make_credit(parse(text, "credit"))(made.rollouts, made.reward_NT, made.value_NT)
    torch.testing.assert_close(found.advantage_NT, expected.advantage_NT)
    assert expected.target_NT is not None
    torch.testing.assert_close(found.target_NT, expected.target_NT)
    assert set(found.statistics) == {"d", "target"}


def test_a_critic_without_a_target_learns_the_rewards_to_come() -> None:
    made = stage()
    found = make_credit(parse("r - value", "credit"))(made.rollouts, made.reward_NT, made.value_NT)
    assert found.target_NT is not None
    reward_N = torch.tensor(REWARD)
    torch.testing.assert_close(found.target_NT, torch.where(made.mask_NT, reward_N[:, None], 0.0))


@pytest.mark.parametrize("name", ["mean", "std", "min", "max", "median"])
def test_equal_values_still_have_a_gradient_and_no_deviation(name: str) -> None:
    """At ratio one a mean of n ratios moves by 1/n with each; min and max share it; a deviation does not move."""
    made = rows(stage(torch.float64, junk=0.0), [5, 6])  # one group, 2 + 3 tokens
    logp_NT = made.was.logp_NT.clone().requires_grad_()
    objective = make_objective(parse(f"{name}(ratio, group)", "objectives"))
    found = objective(Pass(logp_NT, made.mask_NT), made.was, group_N=made.rollouts.group_N)
    (gradient_NT,) = torch.autograd.grad(found.token_NT[0, 0], logp_NT)
    assert float(found.token_NT.detach()[0, 0]) == (0.0 if name == "std" else 1.0)
    assert gradient_NT.isfinite().all()
    assert float(gradient_NT.sum()) == pytest.approx(0.0 if name == "std" else 1.0)
    if name in ("mean", "min", "max"):
        torch.testing.assert_close(gradient_NT, made.mask_NT.double() / 5)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("where(A > 9, log(logp - logp), logp)", 1.0),
        ("where(A > 9, 1 / (logp - logp), logp)", 1.0),
        ("where(A > 9, exp(1000 * (2 + logp - logp)) * 1, logp)", 1.0),
        ("where(A > 9, (logp - 1) ** 0.5, logp)", 1.0),
        ("where(A > 9, (logp - logp) ** -2, logp)", 1.0),
        ("sqrt((logp - logp) ** 2) + logp", 1.0),
    ],
)
def test_what_was_not_chosen_leaves_no_trace_in_the_gradient(text: str, slope: float) -> None:
    made = stage(torch.float64, junk=0.0)
    value_NT, gradient_NT = loss(text, made)
    torch.testing.assert_close(value_NT, torch.where(made.mask_NT, made.now.logp_NT, 0.0))
    torch.testing.assert_close(gradient_NT, slope * made.mask_NT.double())


def test_at_a_bound_the_clip_pushes_as_the_clipped_surrogate_does() -> None:
    """At ratio one and a lower bound of one the gradient of clip is whole, not halved."""
    made = stage(torch.float64, junk=0.0)
    logp_NT = made.was.logp_NT.clone().requires_grad_()
    found = make_objective(parse("clip(ratio, 1, 1.2)", "objectives"))(Pass(logp_NT, made.mask_NT), made.was)
    (gradient_NT,) = torch.autograd.grad(found.token_NT.sum(), logp_NT)
    torch.testing.assert_close(gradient_NT, made.mask_NT.double())


def test_named_lines_become_curves_without_gradient() -> None:
    made = stage()
    text = "gap = ratio - 1\nbad = log(gap * 0 - 1)\n-ratio * A"
    found = make_objective(parse(text, "objectives"))(made.now, made.was, made.advantage_NT)
    assert set(found.statistics) == {"gap", "bad"}
    ratio_NT: Tensor = (made.now.logp_NT - made.was.logp_NT).exp()
    torch.testing.assert_close(found.statistics["gap"], torch.where(made.mask_NT, ratio_NT - 1, 0.0))
    assert (found.statistics["bad"] == 0).all()
    moving = Pass(made.now.logp_NT.clone().requires_grad_(), made.mask_NT)
    found = make_objective(parse(text, "objectives"))(moving, made.was, made.advantage_NT)
    assert found.token_NT.requires_grad
    assert not any(curve_NT.requires_grad for curve_NT in found.statistics.values())


def test_no_gradient_goes_into_the_past_and_one_goes_into_the_entropy() -> None:
    leaves, moved = leaves_of(stage(torch.float64, junk=0.0))
    reward_N = torch.ones(len(GROUP), dtype=torch.float64, requires_grad=True)
    objective = make_objective(parse("ratio * A * r - old_logp * ref_logp - 0.1 * entropy", "objectives"))
    found = objective(
        moved.now, moved.was, moved.advantage_NT, moved.rollouts.group_N, reward_N, ref_logp_NT=moved.ref_logp_NT
    )
    gradient = torch.autograd.grad(
        found.token_NT.sum(), [*leaves.values(), reward_N], allow_unused=True, materialize_grads=True
    )
    by_name = dict(zip((*leaves, "r"), gradient, strict=True))
    assert all((by_name[past] == 0).all() for past in ("was", "ref", "advantage", "r"))
    torch.testing.assert_close(by_name["entropy"], -0.1 * moved.mask_NT.double())
    assert (by_name["logp"][moved.mask_NT] != 0).all()


@pytest.mark.parametrize("size", [3, 5, 6, 7, 11])
def test_equal_rewards_have_exactly_their_mean(size: int) -> None:
    """Sums of 0.1, 0.7 or 1/3 over 3 to 11 rewards round, and their quotients would too."""
    batch = rollouts(["A"] * size)
    for reward in (0.1, 0.7, 1 / 3, 1e-3):
        told_NT = outcome(batch, [reward] * size)
        for scope in ("group", "batch"):
            found = make_credit(parse(f"(r - mean(r, {scope})) * 1e12", "credit"))(batch.rollouts, told_NT)
            assert (found.advantage_NT == 0).all()


def test_ends_are_facts_that_credit_may_use() -> None:
    """Row 3 was cut off, row 4 failed, the others with tokens finished."""
    made = stage()
    assert credit("finished + 2 * cut_off", made)[:9, 0].tolist() == [1, 1, 1, 2, 0, 1, 1, 1, 1]
    assert credit("sum(mask, completion) - length", made).abs().sum() == 0


def test_what_a_batch_does_not_have_is_said() -> None:
    made = stage()
    with pytest.raises(ValueError, match="asks for entropy, which this batch does not have"):
        make_credit(parse("r + entropy", "credit"))(made.rollouts, made.reward_NT)


def test_what_is_no_number_is_traced_to_its_place() -> None:
    """Rewards below 0.2 have no root: rows 1, 4, 5, 6, 7 with 1, 3, 2, 3, 1 of all 30 tokens."""
    made = stage()
    with pytest.raises(ValueError, match=r"on 33\.3% of the tokens; it begins in line 2, column 5"):
        make_credit(parse("half = r / 2\n1 + sqrt(half - 0.1)", "credit"))(made.rollouts, made.reward_NT)
