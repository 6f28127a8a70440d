"""Language models by name that read texts: how likely they find each completion after its prompt."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from workers.contract.services import Read, Text
from workers.contract.spec import Model
from workers.engine.written import MODELS, Cut, batches, cut, keep, on_device, padded
from workers.models.loading import Loaded, load

NUMBERS = 2**27  # logits at once: 512 MiB in float32
Found = Iterator[tuple[Cut, Read]]


def make_likelihood(stack: ExitStack) -> "Likelihoods":
    """See `contract.services.Likelihood`."""
    return Likelihoods()


class Likelihoods:
    """The last few models that were asked for stay in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, Loaded] = {}

    def __call__(self, name: str, texts: Sequence[Text]) -> list[Read]:
        """One record a text, without gradient; equal texts are read once, and a prompt that several follow is read
        once for all of them. RunError where the model cannot be loaded, ValueError for a text that does not fit."""
        loaded = keep(self._kept, name, MODELS, _load)
        network, start = loaded.model, (loaded.pad,)
        rows = [cut(loaded.tokenizer, text, network.config) for text in texts]
        # Without any prompt the first token would follow nothing.
        rows = [Cut(row.prompt or start, row.completion) for row in rows]
        after: dict[tuple[int, ...], dict[Cut, None]] = {}
        for row in rows:
            after.setdefault(row.prompt, {})[row] = None
        alone = [next(iter(found)) for found in after.values() if len(found) == 1]
        known = dict(_each(network, alone, loaded.pad))
        for found in after.values():
            if len(found) > 1:
                known |= _siblings(network, list(found), loaded.pad)
        return [known[row] for row in rows]


def _load(name: str) -> Loaded:
    loaded = load(Model(name))
    on_device(loaded.model)
    return loaded


def _most(network: PreTrainedModel) -> int:
    return max(1, NUMBERS // int(network.get_input_embeddings().get_parameter("weight").shape[0]))


@torch.no_grad()
def _each(network: PreTrainedModel, rows: list[Cut], pad: int) -> Found:
    """Rows with prompts of their own, in batches."""
    for chosen in batches(rows, _most(network)):
        some = [rows[n] for n in chosen]
        ids_NT, present_NT = padded([[*row.prompt, *row.completion] for row in some], pad, network.device)
        logit_NTV = network(input_ids=ids_NT, attention_mask=present_NT).logits
        for row, logit_TV in zip(some, logit_NTV, strict=True):
            begin = len(row.prompt) - 1
            yield row, _read(row, logit_TV[begin : begin + len(row.completion)])


@torch.no_grad()
def _siblings(network: PreTrainedModel, rows: list[Cut], pad: int) -> Found:
    """Rows of one prompt, which is read once: its keys and values serve all."""
    prompt_1L = torch.tensor([rows[0].prompt], device=network.device)
    read: Any = network(input_ids=prompt_1L, use_cache=True)
    first_V = read.logits[0, -1]
    for chosen in batches([row.completion for row in rows], _most(network)):
        some = [rows[n] for n in chosen]
        ids_NT, present_NT = padded([row.completion for row in some], pad, network.device)
        cache = deepcopy(read.past_key_values)
        cache.batch_repeat_interleave(len(some))
        present = torch.cat([torch.ones_like(prompt_1L).expand(len(some), -1), present_NT], dim=1)
        logit_NTV = network(input_ids=ids_NT, attention_mask=present, past_key_values=cache).logits
        for row, logit_TV in zip(some, logit_NTV, strict=True):
            yield row, _read(row, torch.cat([first_V[None], logit_TV])[: len(row.completion)])


def _read(row: Cut, logit_TV: Tensor) -> Read:
    """What the scores at each place say of the token that follows."""
    if not row.completion:
        return Read(0.0, 0)
    logit_TV = logit_TV.float()
    chosen_T = logit_TV.gather(1, torch.tensor(row.completion, device=logit_TV.device)[:, None]).squeeze(1)
    logp_T = chosen_T - logit_TV.logsumexp(dim=1)
    return Read(float(logp_T.sum()), len(row.completion), float(chosen_T.sum()))
