"""Whether a network reads packed lines and grows rows from a stem of prompts exactly: tried on a few tokens, so that a
network of any make either gains by them or is read as it always was."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from workers.contract.answers import Answers
from workers.engine import attention
from workers.engine.reading import Network, at_chosen
from workers.engine.tensors import Rollouts
from workers.engine.walk import StemWalk

# What a network of another make raises when it is asked for what it does not know.
REFUSALS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


def packs(model: PreTrainedModel) -> bool:
    """Whether the network takes packed lines and stems. Its attention then goes by this engine's name, which for
    everything else is the one that it had."""
    if not attention.whole(model):
        return False
    had = model.config._attn_implementation
    model.set_attn_implementation(attention.NAME)
    if not _same_numbers(model):
        model.set_attn_implementation(had)
        return False
    return True


@torch.no_grad()
def _same_numbers(model: PreTrainedModel) -> bool:
    def network(**asked: Any) -> Tensor:
        found: Tensor = model.base_model(**asked).last_hidden_state
        return found

    was = model.training
    model.train(False)
    try:
        return _reads_lines(network, _trial(model)) and _grows_from_stems(network, _trial(model))
    except REFUSALS:
        return False
    finally:
        model.train(was)


def _reads_lines(network: Network, rollouts: Rollouts) -> bool:
    packed, plain = (at_chosen(network, rollouts, packs=way) for way in (True, False))
    return _near(packed, plain)


def _grows_from_stems(network: Network, rollouts: Rollouts) -> bool:
    """Whether two more tokens below the prompts, the last row dropped between them, give what whole rows give."""
    rows = zip(rollouts.prompt_NL[1:], rollouts.prompt_mask_NL[1:], strict=True)
    prompts = [ids[present].tolist() for ids, present in rows]
    walk = StemWalk(network, prompts, torch.tensor([0, 0, 1], device=rollouts.token_NT.device), 3)
    walk.advance(rollouts.token_NT[:, 0])
    whole = [network(input_ids=torch.tensor([prompts[1] + rollouts.token_NT[2, :1].tolist()]).to(walk.out_RX.device))]
    found = [walk.out_RX[2]]
    walk.keep(walk.row_R < 2)
    walk.advance(rollouts.token_NT[:2, 1])
    for row in (0, 1):
        ids = torch.tensor([prompts[0] + rollouts.token_NT[row, :2].tolist()]).to(walk.out_RX.device)
        whole.append(network(input_ids=ids))
        found.append(walk.out_RX[row])
    return _near(torch.stack(found), torch.stack([out[0, -1] for out in whole]))


def _near(found: Tensor, wanted: Tensor) -> bool:
    share: float = torch.finfo(wanted.dtype).eps ** 0.5
    return bool((found - wanted).abs().max() <= share * wanted.abs().max())


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
