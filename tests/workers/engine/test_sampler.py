"""Sampling: the same tokens with the cache as with the whole forward pass, with dropped rows as without, and recorded
log-probabilities that training agrees with."""

import pytest
import torch

from tests.workers.tiny import KINDS, make_model
from workers.contract.answers import Answers
from workers.contract.errors import RunError
from workers.engine.policy import Policy, make_policy
from workers.engine.sampler import Plan, Sampled, choose, sample
from workers.engine.tensors import Rollouts

VOCABULARY = 20
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13]]
SIBLINGS = 6
PLAN = Plan(siblings=SIBLINGS, new_tokens=9, ends=(1, 2, 3), pad=0)


def sampled(policy: Policy, plan: Plan = PLAN, prompts: list[list[int]] = PROMPTS, seed: int = 3) -> Sampled:
    return sample(policy, prompts, plan, torch.Generator().manual_seed(seed))


def as_rollouts(s: Sampled) -> Rollouts:
    n = len(s.token_NT)
    answers = Answers(("",) * n, ("",) * n, tuple(s.mask_NT.sum(1).tolist()), ("finished",) * n)
    group_N = torch.arange(n) // SIBLINGS
    return Rollouts(s.prompt_NL, s.prompt_mask_NL, s.token_NT, s.mask_NT, s.logp_NT, group_N, answers)


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_numbers_are_those_of_the_plain_forward_pass(kind: str) -> None:
    policy = make_policy(make_model(kind, VOCABULARY), temperature=0.7)
    s = sampled(policy)
    for n in range(len(s.token_NT)):
        ids = torch.cat([s.prompt_NL[n][s.prompt_mask_NL[n]], s.token_NT[n][s.mask_NT[n]]])
        start = int(s.prompt_mask_NL[n].sum())
        # One row alone, without padding, cache or anything shared.
        logp = (policy.model(input_ids=ids[None]).logits[0, start - 1 : -1] / 0.7).log_softmax(-1)
        length = len(ids) - start
        torch.testing.assert_close(
            s.logp_NT[n, :length], logp.gather(1, ids[start:, None]).squeeze(1).detach(), atol=1e-5, rtol=0
        )
        entropy = -(logp.exp() * logp).sum(-1).detach()
        torch.testing.assert_close(s.entropy_NT[n, :length], entropy, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tokens_are_those_that_the_plain_forward_pass_would_choose(kind: str) -> None:
    policy = make_policy(make_model(kind, VOCABULARY))
    s = sampled(policy)
    uniform_NT = torch.rand(18, PLAN.new_tokens, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for n in range(18):
        ids = list(PROMPTS[n // SIBLINGS])
        for place in range(int(s.mask_NT[n].sum())):
            logp = policy.model(input_ids=torch.tensor([ids])).logits[:, -1].log_softmax(-1)
            ids.append(int(choose(logp, uniform_NT[n : n + 1, place])))
        assert ids[len(PROMPTS[n // SIBLINGS]) :] == s.token_NT[n][s.mask_NT[n]].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_dropping_finished_rows_changes_no_token(kind: str) -> None:
    policy = make_policy(make_model(kind, VOCABULARY))
    with_drop = sampled(policy, Plan(16, 12, (1, 2, 3), 0))
    without = sampled(policy, Plan(16, 12, (1, 2, 3), 0, drop=False))
    assert torch.equal(with_drop.token_NT, without.token_NT)
    assert torch.equal(with_drop.mask_NT, without.mask_NT)
    torch.testing.assert_close(with_drop.logp_NT, without.logp_NT, atol=1e-5, rtol=0)
    lengths = without.mask_NT.sum(1)
    assert int((lengths <= 8).sum()) > len(lengths) // 2, "rows must end early for this to say anything"


@pytest.mark.parametrize("kind", KINDS)
def test_training_agrees_with_sampling(kind: str) -> None:
    policy = make_policy(make_model(kind, VOCABULARY), temperature=1.3)
    s = sampled(policy)
    read = policy.read(as_rollouts(s))
    assert read.entropy_NT is not None
    assert float((read.logp_NT - s.logp_NT).detach().abs().max()) < 1e-5
    assert float((read.entropy_NT - s.entropy_NT).detach().abs().max()) < 1e-5


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    policy = make_policy(make_model("llama", VOCABULARY))
    both = sampled(policy, Plan(1, 6, (1,), 0), [[5, 6], [7, 8, 9, 10]])
    alone = sampled(policy, Plan(1, 6, (1,), 0), [[5, 6]])
    length = int(alone.mask_NT.sum())
    assert both.token_NT[0, :length].tolist() == alone.token_NT[0, :length].tolist()


def test_ends_are_told_apart() -> None:
    policy = make_policy(make_model("llama", VOCABULARY))
    s = sampled(policy)
    last_N = s.token_NT.gather(1, s.mask_NT.sum(1, keepdim=True) - 1).squeeze(1)
    assert s.finished_N.tolist() == [int(token) in PLAN.ends for token in last_N]
    assert s.finished_N.any(), "both kinds of end must appear for this to say anything"
    assert (~s.finished_N).any()
    assert all(int(length) == PLAN.new_tokens for length in s.mask_NT.sum(1)[~s.finished_N])
    inside = s.token_NT.where(s.mask_NT, torch.tensor(-1))
    assert all(int(sum((row == end).sum() for end in PLAN.ends)) <= 1 for row in inside), "nothing follows an end"


def test_frequencies_are_the_policy_s() -> None:
    logp_RV = torch.tensor([0.5, 0.0, 0.2, 0.3]).log().expand(20_000, 4)
    token_R = choose(logp_RV, torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    shares = torch.bincount(token_R, minlength=4) / 20_000
    # Four standard deviations of a share of 0.5: 4 * sqrt(0.25 / 20000) = 0.014.
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.0, 0.2, 0.3]), atol=0.014, rtol=0)
    assert int(choose(logp_RV[:1], torch.zeros(1, dtype=torch.float64))) == 0
    assert int(choose(logp_RV[:1], torch.full((1,), 1 - 2.0**-53, dtype=torch.float64))) == 3


def test_a_policy_without_numbers_is_refused() -> None:
    model = make_model("llama", VOCABULARY)
    with torch.no_grad():
        model.get_parameter("model.norm.weight").fill_(torch.nan)
    with pytest.raises(RunError, match="no numbers") as caught:
        sampled(Policy(model))
    assert caught.value.where == "sampling"
    assert caught.value.evidence["share"] == 1.0


def test_padding_on_the_left_changes_nothing() -> None:
    policy = make_policy(make_model("qwen3", VOCABULARY))
    s = sampled(policy)
    rollouts = as_rollouts(s)
    wide = torch.nn.functional.pad(s.prompt_NL, (5, 0), value=0)
    wide_mask = torch.nn.functional.pad(s.prompt_mask_NL, (5, 0), value=False)
    padded = Rollouts(wide, wide_mask, s.token_NT, s.mask_NT, s.logp_NT, rollouts.group_N, rollouts.answers)
    difference = policy.read(rollouts).logp_NT - policy.read(padded).logp_NT
    assert float(difference.detach().abs().max()) < 1e-5
