"""Linear layers through oneDNN: the same numbers, gradients and second derivatives as the plain ones, wherever they are
used; weights laid out for sampling never outlive it."""

import copy

import pytest
import torch
from torch import nn

from tests.workers.engine.test_sampler import as_rollouts, sampled
from tests.workers.tiny import make_model
from workers.engine import linear
from workers.engine.linear import FastLinear
from workers.engine.policy import make_policy


@pytest.fixture(autouse=True)
def gains(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where oneDNN is faster; few rows ask it too."""
    monkeypatch.setattr(linear, "is_faster", lambda: True)
    monkeypatch.setattr(linear, "FEWEST_ROWS", 1)


def pair(bias: bool) -> tuple[nn.Linear, FastLinear]:
    torch.manual_seed(0)
    plain = nn.Linear(5, 7, bias=bias)
    fast = nn.Sequential(copy.deepcopy(plain))
    linear.quicken(fast)
    assert type(fast[0]) is FastLinear
    return plain, fast[0]


def laid(layer: FastLinear) -> bool:
    return layer.laid_out is not None


@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_the_plain_layer(bias: bool) -> None:
    found = []
    for layer in pair(bias):
        x = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
        out = layer(x)
        torch.autograd.backward(out.square().sum())
        found.append((out.detach(), x.grad, *(weight.grad for weight in layer.parameters())))
    torch.testing.assert_close(found[1], found[0], atol=1e-6, rtol=1e-6)


def test_second_derivatives_pass_through() -> None:
    found = []
    for layer in pair(True):
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), requires_grad=True)
        (first,) = torch.autograd.grad(layer(x).pow(3).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), [x, layer.weight]))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-5)


def test_frozen_weights_get_no_gradient_and_inputs_still_do() -> None:
    _, fast = pair(True)
    fast.requires_grad_(False)
    x = torch.randn(4, 5, requires_grad=True)
    torch.autograd.backward(fast(x).sum())
    torch.testing.assert_close(x.grad, fast.weight.sum(0).expand(4, 5))
    assert fast.weight.grad is None


def test_other_numbers_than_float32_take_the_plain_way() -> None:
    plain, fast = pair(True)
    x = torch.randn(4, 5)
    torch.testing.assert_close(fast.double()(x.double()), plain.double()(x.double()), atol=0, rtol=0)
    fast.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fast(x).dtype is torch.bfloat16


def test_laid_out_weights_are_used_without_gradient_only_and_dropped_after(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, fast = pair(True)
    model, x = nn.Sequential(fast), torch.randn(4, 5)
    with linear.laid_out(model, 4):
        assert laid(fast)
        with torch.no_grad():
            torch.testing.assert_close(model(x), plain(x), atol=1e-6, rtol=1e-6)
        torch.autograd.backward(model(x).sum())
        assert fast.weight.grad is not None
    assert not laid(fast)
    monkeypatch.setattr(linear, "MOST_BYTES", 10)
    with linear.laid_out(model, 4):
        assert not laid(fast)


def test_a_policy_s_numbers_and_its_copy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = make_policy(make_model("llama", 20))
    assert sum(isinstance(module, FastLinear) for module in fast.model.modules()) == 15
    monkeypatch.setattr(linear, "is_faster", lambda: False)
    plain = make_policy(make_model("llama", 20))
    s = sampled(plain)
    assert torch.equal(sampled(fast).token_NT, s.token_NT)
    numbers = [policy.read(as_rollouts(s)).logp_NT for policy in (plain, fast, make_policy(copy.deepcopy(fast.model)))]
    for other in numbers[1:]:
        torch.testing.assert_close(other, numbers[0], atol=1e-5, rtol=0)
    before = fast.model.state_dict().keys()
    assert before == plain.model.state_dict().keys()


def test_the_choice_follows_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for given, wanted in (("0", False), ("1", True)):
        linear.is_faster.cache_clear()
        monkeypatch.setenv("MERIT_ONEDNN", given)
        assert linear.is_faster() is wanted
    linear.is_faster.cache_clear()
