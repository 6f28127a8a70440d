"""Hidden states behind the chosen tokens: the same as one row alone gives, one forward for states and numbers, and the
whole vocabulary from them."""

import pytest
import torch

from tests.workers.engine.test_sampler import as_rollouts, sampled
from tests.workers.tiny import KINDS, make_model
from workers.contract.errors import RunError
from workers.engine.policy import make_policy


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_before_each_chosen_token(kind: str) -> None:
    policy = make_policy(make_model(kind, 20))
    s = sampled(policy)
    rows = []
    for n in range(len(s.token_NT)):
        ids = torch.cat([s.prompt_NL[n][s.prompt_mask_NL[n]], s.token_NT[n][s.mask_NT[n]]])
        state = policy.model.base_model(input_ids=ids[None]).last_hidden_state[0]
        rows.append(state[int(s.prompt_mask_NL[n].sum()) - 1 : -1])
    torch.testing.assert_close(policy.states(as_rollouts(s)), torch.cat(rows), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_forward_gives_numbers_and_states_with_gradients(kind: str) -> None:
    policy = make_policy(make_model(kind, 20), temperature=0.7)
    rollouts = as_rollouts(sampled(policy))
    calls = []
    policy.model.base_model.register_forward_hook(lambda *_: calls.append(1))
    read = policy.read(rollouts)
    alone = len(calls)
    both, state_MX = policy.read_with_states(rollouts)
    assert len(calls) == 2 * alone
    assert state_MX.shape == (int(rollouts.mask_NT.sum()), 32)
    torch.testing.assert_close(both.logp_NT, read.logp_NT)
    torch.autograd.backward(both.logp_NT.sum() + state_MX.square().sum())
    assert next(policy.model.parameters()).grad is not None
    with torch.no_grad():
        assert not policy.states(rollouts).requires_grad


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_whole_vocabulary_of_states(kind: str) -> None:
    policy = make_policy(make_model(kind, 20), temperature=0.7)
    rollouts = as_rollouts(sampled(policy))
    logp_MV = policy.logp_of_states(policy.states(rollouts))
    torch.testing.assert_close(logp_MV.exp().sum(-1), torch.ones(len(logp_MV)))
    chosen_M = logp_MV.gather(1, rollouts.token_NT[rollouts.mask_NT][:, None]).squeeze(1)
    torch.testing.assert_close(chosen_M, policy.read(rollouts).logp_NT[rollouts.mask_NT], atol=1e-6, rtol=1e-6)


def test_a_head_that_does_more_has_states_but_no_vocabulary_of_them() -> None:
    model = make_model("llama", 20)
    model.register_forward_hook(lambda module, inputs, out: setattr(out, "logits", 2 * out.logits))
    policy = make_policy(model)
    rollouts = as_rollouts(sampled(policy))
    both, state_MX = policy.read_with_states(rollouts)
    torch.testing.assert_close(both.logp_NT, policy.read(rollouts).logp_NT)
    assert state_MX.shape[1] == 32
    with pytest.raises(RunError, match="more than one matrix product"):
        policy.logp_of_states(state_MX)
