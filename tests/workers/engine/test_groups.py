"""Groups of unequal size, and sampling on from a stored prefix."""

import pytest
import torch

from tests.workers.engine.test_sampler import PROMPTS, sampled
from tests.workers.tiny import KINDS, make_model
from workers.engine.policy import make_policy
from workers.engine.sampler import Plan, noise, sample


@pytest.mark.parametrize("kind", KINDS)
def test_groups_may_be_of_any_size(kind: str) -> None:
    policy = make_policy(make_model(kind, 20))
    s = sampled(policy, Plan((3, 0, 2), 9, (1, 2, 3), 0))
    prompts = [row[present].tolist() for row, present in zip(s.prompt_NL, s.prompt_mask_NL, strict=True)]
    assert prompts == [PROMPTS[0]] * 3 + [PROMPTS[2]] * 2
    # Each row alone, with its own noise, is the same row.
    uniform_NT = noise(5, 9, torch.Generator().manual_seed(3))
    for n, prompt in enumerate(prompts):
        alone = sample(policy, [prompt], Plan(1, 9, (1, 2, 3), 0), torch.Generator(), uniform_NT[n : n + 1])
        assert alone.token_NT[0].tolist() == s.token_NT[n][s.mask_NT[n]].tolist()


def test_equal_counts_are_the_plain_number() -> None:
    policy = make_policy(make_model("llama", 20))
    plain, listed = sampled(policy), sampled(policy, Plan((6, 6, 6), 9, (1, 2, 3), 0))
    assert torch.equal(plain.token_NT, listed.token_NT)
    assert torch.equal(plain.logp_NT, listed.logp_NT)


def test_no_completions_are_an_empty_record() -> None:
    s = sampled(make_policy(make_model("llama", 20)), Plan((0, 0, 0), 9, (1,), 0))
    assert s.token_NT.shape == s.logp_NT.shape == (0, 0)
    assert s.finished_N.shape == (0,)


@pytest.mark.parametrize("counts", [(1, 2), (1, 2, -1)])
def test_counts_that_fit_no_prompts_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one count a prompt"):
        sampled(make_policy(make_model("llama", 20)), Plan(counts, 9, (1,), 0))


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_a_prefix_with_the_same_noise_gives_the_same_rest(kind: str) -> None:
    policy = make_policy(make_model(kind, 20))
    s = sampled(policy)
    uniform_NT = noise(18, 9, torch.Generator().manual_seed(3))
    long_N = (s.mask_NT.sum(1) > 3).nonzero().squeeze(1)
    assert len(long_N) >= 2, "rows must be long for this to say anything"
    prompts = [PROMPTS[n // 6] + s.token_NT[n, :3].tolist() for n in long_N.tolist()]
    on = sample(policy, prompts, Plan(1, 6, (1, 2, 3), 0), torch.Generator(), uniform_NT[long_N, 3:])
    for row, n in enumerate(long_N.tolist()):
        assert on.token_NT[row][on.mask_NT[row]].tolist() == s.token_NT[n, 3:][s.mask_NT[n, 3:]].tolist()
    # The test can fail: other noise goes on in another way.
    other = sample(policy, prompts, Plan(1, 6, (1, 2, 3), 0), torch.Generator(), 1 - uniform_NT[long_N, 3:])
    assert not torch.equal(on.token_NT, other.token_NT)
