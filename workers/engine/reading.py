"""What a network gives at the places that predict chosen tokens: from packed lines where a probe has shown that they
are exact for this network, else row by row with its padding."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from workers.contract.answers import Answers
from workers.engine import attention
from workers.engine.packed import pack
from workers.engine.tensors import Rollouts

Network = Callable[..., Tensor]
"""Takes transformers' names for its inputs; gives hidden states or logits at each place, (rows, places, X)."""


def at_chosen(network: Network, rollouts: Rollouts, *, packs: bool) -> Tensor:
    """The network's outputs one place before each chosen token: (M, X), in the order in which the mask lists them."""
    line = pack(rollouts) if packs else None
    if line is not None:
        return functional.embedding(line.pick_M, network(**line.asked())[0])
    return network(**_asked(rollouts))[:, rollouts.prompt_NL.shape[1] - 1 : -1][rollouts.mask_NT]


def _asked(rollouts: Rollouts) -> dict[str, Any]:
    """Each row's prompt and completion side by side."""
    prompt_mask_NL, mask_NT = rollouts.prompt_mask_NL, rollouts.mask_NT
    # Padding behind a completion needs no mask: causal attention never looks ahead.
    present = torch.cat([prompt_mask_NL, torch.ones_like(mask_NT)], dim=1)
    return {
        "input_ids": torch.cat([rollouts.prompt_NL, rollouts.token_NT], dim=1),
        "attention_mask": None if bool(prompt_mask_NL.all()) else present.long(),
        "position_ids": (present.long().cumsum(1) - 1).clamp(min=0),
        "use_cache": False,
    }


def packs(model: PreTrainedModel) -> bool:
    """Whether the network reads packed lines exactly, tried on a few tokens; its attention then goes by this engine's
    name, which for everything but packed lines is the one that it had."""
    if not attention.whole(model):
        return False
    had = model.config._attn_implementation
    model.set_attn_implementation(attention.NAME)
    if not _reads_lines(model):
        model.set_attn_implementation(had)
        return False
    return True


@torch.no_grad()
def _reads_lines(model: PreTrainedModel) -> bool:
    """Whether both ways give the same states on prompts and completions of unequal length."""
    rollouts = _trial(model)

    def network(**asked: Any) -> Tensor:
        found: Tensor = model.base_model(**asked).last_hidden_state
        return found

    was = model.training
    model.train(False)
    try:
        packed, plain = (at_chosen(network, rollouts, packs=way) for way in (True, False))
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        return False  # a network that does not know what it is asked does not fit
    finally:
        model.train(was)
    near = torch.finfo(plain.dtype).eps ** 0.5 * plain.abs().max()
    return bool((packed - plain).abs().max() <= near)


def _trial(model: PreTrainedModel) -> Rollouts:
    """Two prompts, the first of two completions, one with a foreign token inside."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(int(model.config.vocab_size), (3, 9), generator=draw).to(model.device)
    prompt_NL, token_NT = ids[[0, 0, 2], :5], ids[:, 5:]
    present_NL = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1]], dtype=torch.bool)
    mask_NT = torch.tensor([[1, 1, 1, 0], [1, 0, 1, 1], [1, 0, 0, 0]], dtype=torch.bool)
    answers = Answers(("",) * 3, ("",) * 3, (3, 4, 1), ("finished",) * 3)
    group_N, logp_NT = torch.tensor([0, 0, 1]), torch.zeros(3, 4)
    places = (present_NL.to(ids.device), token_NT, mask_NT.to(ids.device), logp_NT.to(ids.device))
    return Rollouts(prompt_NL, *places, group_N.to(ids.device), answers)
