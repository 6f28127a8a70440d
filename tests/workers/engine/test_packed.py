"""Packed lines: the same numbers and gradients as row by row, whatever the lengths, orders, holes and padding; each
prompt read once; networks that do not fit read as before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.tiny import make_model
from workers.contract.answers import Answers
from workers.engine import packed
from workers.engine.batch import micro_batches, rows_of
from workers.engine.packed import pack
from workers.engine.policy import Policy, make_policy
from workers.engine.tensors import Rollouts

KINDS = ("llama", "qwen2", "qwen3", "gpt2")


def batch(seed: int, rows: int = 11, longest: int = 12) -> Rollouts:
    """Rows of four prompts, siblings scattered, ragged, with holes; some rows have no chosen token at all."""
    draw = torch.Generator().manual_seed(seed)
    length_P = torch.randint(1, 9, (4,), generator=draw)
    prompts = torch.randint(4, 20, (4, 8), generator=draw)
    group_N = torch.randint(4, (rows,), generator=draw)
    count_N = torch.randint(longest + 1, (rows,), generator=draw)
    count_N[0] = longest
    mask_NT = torch.arange(longest) < count_N[:, None]
    mask_NT &= torch.rand(rows, longest, generator=draw) < 0.8
    mask_NT[0, -1] = True
    present_NL = torch.arange(8) >= 8 - length_P[group_N][:, None]
    answers = Answers(("",) * rows, ("",) * rows, (0,) * rows, ("finished",) * rows)
    token_NT = torch.randint(4, 20, (rows, longest), generator=draw)
    prompt_NL = prompts[group_N].masked_fill(~present_NL, 0)
    return Rollouts(prompt_NL, present_NL, token_NT, mask_NT, torch.zeros(rows, longest), group_N, answers)


def read(policy: Policy, rollouts: Rollouts) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities, entropies and the gradient of something that every one of them has a part in."""
    policy.model.zero_grad()
    found = policy.read(rollouts)
    assert found.entropy_NT is not None
    weight_NT = torch.linspace(-1, 1, 12)[: found.logp_NT.shape[1]]
    torch.autograd.backward((weight_NT * found.logp_NT + 0.3 * found.entropy_NT.square()).sum())
    return found.logp_NT.detach(), found.entropy_NT.detach(), gradient(policy)


def gradient(policy: Policy) -> Tensor:
    parts = [weight.grad.flatten() for weight in policy.model.parameters() if weight.grad is not None]
    return torch.cat(parts)


def near(found: Tensor, wanted: Tensor, share: float) -> None:
    """Equal within a share of the largest."""
    assert float((found - wanted).abs().max()) <= share * max(1.0, float(wanted.abs().max()))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_packed_lines_give_what_rows_give(kind: str, seed: int) -> None:
    policy = make_policy(make_model(kind, 20), temperature=0.7)
    assert policy.packs
    line, plain = read(policy, batch(seed)), read(replace(policy, packs=False), batch(seed))
    for found, wanted in zip(line, plain, strict=True):
        near(found, wanted, 5e-6)
    # In double precision nothing but the network's own float32 places (norms, angles) is left: GPT-2 has none.
    policy.model.double()
    share = 1e-13 if kind == "gpt2" else 1e-6
    for found, wanted in zip(read(policy, batch(seed)), read(replace(policy, packs=False), batch(seed)), strict=True):
        near(found, wanted, share)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_order_padding_and_micro_batches_change_nothing(kind: str, seed: int) -> None:
    policy = make_policy(make_model(kind, 20))
    whole = batch(seed)
    logp_NT, _, grad = read(policy, whole)
    order_N = torch.randperm(11, generator=torch.Generator().manual_seed(seed))
    shuffled_NT, _, again = read(policy, rows_of(whole, order_N))
    near(shuffled_NT, logp_NT[order_N][:, : shuffled_NT.shape[1]], 2e-6)
    near(again, grad, 2e-6)
    # More padding in front of prompts, and prompts padded behind instead.
    ids, present = (torch.nn.functional.pad(x, (3, 0)) for x in (whole.prompt_NL, whole.prompt_mask_NL))
    wide = replace(whole, prompt_NL=ids, prompt_mask_NL=present)
    near(read(policy, wide)[0], logp_NT, 2e-6)
    turned = whole.prompt_mask_NL.long().argsort(dim=1, descending=True, stable=True)
    behind = replace(
        whole, prompt_NL=whole.prompt_NL.gather(1, turned), prompt_mask_NL=whole.prompt_mask_NL.gather(1, turned)
    )
    near(read(policy, behind)[2], grad, 2e-6)
    # Micro-batches of one or two groups add up to the whole.
    for groups in (1, 2):
        total = torch.zeros_like(grad)
        for row_R in micro_batches(whole.group_N, groups):
            part = rows_of(whole, row_R)
            if bool(part.mask_NT.any()):
                total += read(policy, part)[2]
        near(total, grad, 3e-6)


def test_each_prompt_is_read_once_and_no_padding_at_all() -> None:
    policy = make_policy(make_model("llama", 20))
    seen: list[int] = []
    policy.model.base_model.register_forward_pre_hook(
        lambda module, args, asked: seen.append(asked["input_ids"].numel()), with_kwargs=True
    )
    rollouts = batch(0)
    policy.read(rollouts)
    used = rollouts.mask_NT.any(dim=1)
    prompts = {
        tuple(row[yes].tolist())
        for row, yes in zip(rollouts.prompt_NL[used], rollouts.prompt_mask_NL[used], strict=True)
    }
    inputs = sum(int(row.nonzero().max()) for row in rollouts.mask_NT[used])
    assert len(prompts) < int(used.sum()), "siblings must share prompts for this to say anything"
    assert seen == [sum(map(len, prompts)) + inputs]


def test_large_masks_are_shared_by_rows_behind_prompts_of_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = make_policy(make_model("llama", 20))
    wanted = read(policy, batch(3))
    monkeypatch.setattr(packed, "MOST", 10)
    line = pack(batch(3))
    assert line is not None
    masks = [block.see_RXX for block in line.blocks if block.see_RXX is not None]
    assert masks
    assert all(len(mask) == 1 for mask in masks)
    for found, expected in zip(read(policy, batch(3)), wanted, strict=True):
        near(found, expected, 5e-6)


def test_a_batch_without_chosen_tokens_is_read_as_before() -> None:
    rollouts = batch(0)
    assert pack(replace(rollouts, mask_NT=torch.zeros_like(rollouts.mask_NT))) is None
    assert pack(replace(rollouts, prompt_mask_NL=torch.zeros_like(rollouts.prompt_mask_NL))) is None
    policy = make_policy(make_model("llama", 20))
    found = policy.read(replace(rollouts, mask_NT=torch.zeros_like(rollouts.mask_NT)))
    assert not bool(found.logp_NT.any())


def test_networks_that_do_not_fit_keep_their_attention() -> None:
    sliding = make_model("sliding", 20)
    assert not make_policy(sliding).packs
    assert sliding.config._attn_implementation == "sdpa"
    # One that drops what it does not know reads lines wrongly; one that refuses it cannot read them.
    deaf, strict = make_model("llama", 20), make_model("llama", 20)
    inner, exact = deaf.base_model.forward, strict.base_model.forward
    deaf.base_model.forward = lambda line=None, **asked: inner(**asked)

    def narrow(input_ids: Tensor, attention_mask: Tensor | None = None, **asked: Any) -> Any:
        if "line" in asked:
            raise TypeError("got an unexpected keyword argument 'line'")
        return exact(input_ids, attention_mask, **asked)

    strict.base_model.forward = narrow
    for model in (deaf, strict):
        assert not make_policy(model).packs
        assert model.config._attn_implementation == "sdpa"


def test_checkpointed_layers_read_lines_too() -> None:
    policy = make_policy(make_model("llama", 20))
    wanted = read(policy, batch(1))[2]
    policy.model.activation_checkpointing_enable()
    policy.model.train()
    near(read(policy, batch(1))[2], wanted, 1e-6)


def test_a_saved_model_does_not_know_the_name_of_its_attention(tmp_path: Path) -> None:
    model = make_model("llama", 20)
    assert make_policy(model).packs
    model.save_pretrained(tmp_path)
    assert "merit" not in (tmp_path / "config.json").read_text()
    loaded = type(model).from_pretrained(tmp_path)
    assert loaded.config._attn_implementation == "sdpa"


def test_bfloat16_lines_are_near() -> None:
    policy = make_policy(make_model("llama", 20), precision="bfloat16")
    line, plain = policy.read(batch(2)).logp_NT, replace(policy, packs=False).read(batch(2)).logp_NT
    assert float((line - plain).detach().abs().max()) < 0.2
