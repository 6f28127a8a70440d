"""Sampling below a stem of shared prompts: the same tokens as with a copy a row, in every shape; and the step of fixed
shapes that graphs need."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.engine.test_sampler import PROMPTS, sampled
from tests.workers.tiny import make_model
from workers.engine import fits, sampler
from workers.engine.graph import GraphWalk
from workers.engine.policy import Policy, make_policy
from workers.engine.sampler import Plan
from workers.engine.stem import groups_of
from workers.engine.walk import StemWalk

KINDS = ("llama", "qwen2", "qwen3", "gpt2")


@pytest.mark.parametrize("counts", [(6, 6, 6), (1, 1, 1), (9, 1, 4), (5, 0, 16)])
@pytest.mark.parametrize("kind", KINDS)
def test_shared_prompts_give_the_tokens_of_copied_ones(kind: str, counts: tuple[int, ...]) -> None:
    policy = make_policy(make_model(kind, 20), temperature=1.2)
    assert policy.packs
    plan = Plan(counts, 12, (1, 2), 0)
    shared, copied = sampled(policy, plan), sampled(replace(policy, packs=False), plan)
    assert torch.equal(shared.token_NT, copied.token_NT)
    assert torch.equal(shared.mask_NT, copied.mask_NT)
    assert torch.equal(shared.prompt_NL, copied.prompt_NL)
    torch.testing.assert_close(shared.logp_NT, copied.logp_NT, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_fixed_shapes_give_the_same_numbers(kind: str) -> None:
    policy = make_policy(make_model(kind, 20))
    row_N = torch.tensor([0, 0, 1, 2, 2, 2])
    token_TN = torch.randint(20, (5, 6), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        moving = StemWalk(policy.network, PROMPTS, row_N, 8)
        fixed = StemWalk(policy.network, PROMPTS, row_N, 8, fixed=True)
        for place, token_N in enumerate(token_TN):
            if place == 3:
                for walk in (moving, fixed):
                    walk.keep(torch.tensor([True, False, False, True, False, True]))
            for walk in (moving, fixed):
                walk.advance(token_N[walk.row_R])
            torch.testing.assert_close(fixed.out_RX, moving.out_RX, atol=1e-5, rtol=1e-5)
    assert [room.key.shape[2] for room in fixed.cache.rooms] == [8, 8]
    assert fixed.cache.place_1.tolist() == [5]


def test_groups_are_gathered_and_spread() -> None:
    groups = groups_of(torch.tensor([0, 1, 1, 1, 2, 2]))
    assert groups.row_PX.tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 0]]
    assert not groups.even
    rows = torch.arange(6 * 2 * 3 * 4).view(6, 2, 3, 4)
    assert groups.gather(rows).shape == (3, 2, 9, 4)
    assert groups.gather(rows)[1, 1, 3:6].tolist() == rows[2, 1].tolist()
    assert torch.equal(groups.spread(groups.gather(rows), 3), rows)
    assert groups_of(torch.tensor([0, 0, 1, 1])).even


def test_a_network_that_cannot_grow_from_stems_is_read_as_before() -> None:
    model = make_model("llama", 20)
    inner = model.base_model.forward

    def forgetful(**asked: Any) -> Any:
        return inner(**{**asked, "past_key_values": None, "use_cache": False} if "stem" in asked else asked)

    model.base_model.forward = forgetful
    assert not fits.packs(model)
    assert model.config._attn_implementation == "sdpa"
    plan = Plan(3, 6, (1,), 0)
    assert torch.equal(
        sampled(make_policy(model), plan).token_NT, sampled(make_policy(make_model("llama", 20)), plan).token_NT
    )


@pytest.mark.parametrize("kind", KINDS)
def test_sampling_by_fixed_steps_gives_the_same_tokens(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What CUDA records, run without recording: same tokens and numbers, finished rows dropped on the way."""
    policy = make_policy(make_model(kind, 20))
    plan = Plan(12, 12, (1, 2, 3), 0)
    wanted = sampled(policy, plan)
    made: list[GraphWalk] = []

    def fixed(policy: Policy, prompts: list[list[int]], row_N: Tensor, plan: Plan) -> GraphWalk:
        made.append(GraphWalk(policy.network, prompts, row_N, plan.new_tokens))
        return made[-1]

    monkeypatch.setattr(sampler, "_walk", fixed)
    found = sampled(policy, plan)
    assert torch.equal(found.token_NT, wanted.token_NT)
    torch.testing.assert_close(found.logp_NT, wanted.logp_NT, atol=1e-5, rtol=0)
    assert len(made[0].row_R) < 36, "rows must have been dropped for this to say anything"
