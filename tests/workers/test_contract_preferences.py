"""What every preference loss promises, tried over the whole catalogue."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.pairing import CHOSEN, REJECTED, given, labelled, loss_of, pairs
from tests.workers.stage import variants
from workers.engine.load import load
from workers.engine.tensors import Labelled, Pairs, Pass

EVERY = pytest.mark.parametrize(("name", "params"), variants("preferences"))
PAIRED = ("pairs", "ref_pairs", "previous_pairs", "guide_pairs")


def leaves(supplied: dict[str, Any]) -> tuple[dict[str, Any], list[Tensor]]:
    """The same with the policy's log-probabilities as leaves: the better side's, then the worse one's."""
    both = [supplied["pairs"].chosen, supplied["pairs"].rejected, supplied["labelled"].completion]
    made = [replace(one, logp_NT=one.logp_NT.clone().requires_grad_()) for one in both]
    changed = {"pairs": Pairs(made[0], made[1]), "labelled": Labelled(made[2], supplied["labelled"].good_E)}
    return {**supplied, **changed}, [one.logp_NT for one in made]


def gradient(name: str, supplied: dict[str, Any], params: dict[str, object]) -> list[Tensor]:
    changed, made = leaves(supplied)
    found = torch.autograd.grad(loss_of(name, changed, **params).sum(), made, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(made, found, strict=True)]


@EVERY
def test_it_is_blind_to_padding_in_value_and_gradient(name: str, params: dict[str, object]) -> None:
    clean, noisy = given(), given(junk=float("nan"))
    torch.testing.assert_close(loss_of(name, noisy, **params), loss_of(name, clean, **params))
    for one, other in zip(gradient(name, noisy, params), gradient(name, clean, params), strict=True):
        torch.testing.assert_close(one, other)


@EVERY
def test_better_goes_up_and_worse_goes_down_near_the_reference(name: str, params: dict[str, object]) -> None:
    """At the reference itself, where no margin has grown yet."""
    same = given()
    level = dict.fromkeys(PAIRED, same["pairs"]) | {"labelled": same["labelled"], "ref_labelled": same["labelled"]}
    chosen, rejected, alone = gradient(name, {**level, "kl": torch.tensor(0.0)}, params)
    if load("preferences", name).needs("labelled"):
        up, down = alone[0], alone[1][:2]
        weights = (params.get("good_weight", 1.0), params.get("bad_weight", 1.0))
        assert (up < 0).all() == (weights[0] != 0)
        assert (down > 0).all() == (weights[1] != 0)
    else:
        mask_ET = same["pairs"].chosen.mask_NT
        assert (chosen[mask_ET] < 0).all()
        assert (rejected[same["pairs"].rejected.mask_NT] > 0).all()


@EVERY
def test_it_is_finite_far_out(name: str, params: dict[str, object]) -> None:
    far = given()
    for sign in (1000.0, -1000.0):
        moved = {n: far[n] for n in PAIRED} | {"kl": far["kl"], "ref_labelled": far["ref_labelled"]}
        one = pairs([[v + sign for v in row] for row in CHOSEN], [[v - sign for v in row] for row in REJECTED])
        moved |= {"pairs": one, "labelled": labelled([[v + sign for v in row] for row in CHOSEN], [True, False])}
        assert loss_of(name, moved, **params).isfinite().all()
        assert all(g.isfinite().all() for g in gradient(name, moved, params))


@EVERY
def test_each_example_has_its_own_loss(name: str, params: dict[str, object]) -> None:
    supplied = given()
    whole = loss_of(name, supplied, **params)
    assert whole.shape == (2,)
    second: dict[str, Any] = {n: Pairs(_row(supplied[n].chosen), _row(supplied[n].rejected)) for n in PAIRED}
    second |= {n: Labelled(_row(supplied[n].completion), supplied[n].good_E[1:]) for n in ("labelled", "ref_labelled")}
    torch.testing.assert_close(loss_of(name, {**second, "kl": supplied["kl"]}, **params), whole[1:])


def _row(one: Pass) -> Pass:
    return Pass(one.logp_NT[1:], one.mask_NT[1:])


@EVERY
def test_gradients_are_those_of_finite_differences_and_none_leaves_the_policy(
    name: str, params: dict[str, object]
) -> None:
    supplied, made = leaves(given())

    def total(chosen: Tensor, rejected: Tensor, alone: Tensor) -> Tensor:
        sides = [
            replace(supplied["pairs"].chosen, logp_NT=chosen),
            replace(supplied["pairs"].rejected, logp_NT=rejected),
        ]
        single = Labelled(replace(supplied["labelled"].completion, logp_NT=alone), supplied["labelled"].good_E)
        return loss_of(name, {**supplied, "pairs": Pairs(*sides), "labelled": single}, **params).sum()

    assert torch.autograd.gradcheck(total, made, eps=1e-6, atol=1e-6)
