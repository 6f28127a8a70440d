"""Reading tokens with a policy: gradients by the book, chunks that change nothing, heads that do more."""

import pytest
import torch

from tests.workers.engine.test_sampler import as_rollouts, sampled
from tests.workers.tiny import make_model
from workers.engine import policy as policy_module
from workers.engine.policy import entropy_of, make_policy


def test_log_probability_and_entropy_have_their_gradients() -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    token_M = torch.tensor([0, 3, 6, 2, 2])
    assert torch.autograd.gradcheck(lambda x: policy_module._apply(x, token_M), (logits,))


def test_impossible_tokens_leave_numbers() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 1.0]], requires_grad=True)
    logp, entropy = policy_module._apply(logits, torch.tensor([2]))
    torch.autograd.backward(logp.sum() + entropy.sum())
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
    # The entropy of two outcomes with odds e: ln(1 + e) - e / (1 + e) = 0.5822.
    assert float(entropy.detach()) == pytest.approx(0.5822, abs=1e-4)
    assert float(entropy_of(torch.tensor([[0.0, -torch.inf]]))) == 0.0


def test_chunks_change_neither_value_nor_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for numbers in (2**25, 100):  # 100 numbers are five tokens of twenty letters
        monkeypatch.setattr(policy_module, "CHUNK_NUMBERS", numbers)
        policy = make_policy(make_model("llama", 20))
        read = policy.read(as_rollouts(sampled(policy)))
        assert read.entropy_NT is not None
        torch.autograd.backward(read.logp_NT.sum() + 0.3 * read.entropy_NT.square().sum())
        grad = policy.model.get_parameter("model.embed_tokens.weight").grad
        assert grad is not None
        found.append((read.logp_NT.detach(), grad))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)


def test_a_head_that_scales_its_logits_is_asked_itself() -> None:
    model = make_model("llama", 20)
    model.register_forward_hook(lambda module, inputs, out: setattr(out, "logits", 2 * out.logits))
    policy = make_policy(model)
    assert policy.head is None
    s = sampled(policy)
    assert float((policy.read(as_rollouts(s)).logp_NT - s.logp_NT).detach().abs().max()) < 1e-5
    assert make_policy(make_model("llama", 20)).head is not None


def test_bfloat16_is_used_only_when_asked() -> None:
    model = make_model("llama", 20)
    exact, rough = make_policy(model), make_policy(model, precision="bfloat16")
    s = sampled(exact)
    near = (rough.read(as_rollouts(s)).logp_NT - exact.read(as_rollouts(s)).logp_NT).detach().abs().max()
    assert 1e-4 < float(near) < 1.0
    assert next(model.parameters()).dtype is torch.float32
