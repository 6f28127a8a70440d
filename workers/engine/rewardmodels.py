"""Reward models by name: networks that give one number for a whole text, read in batches and kept in memory."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from workers.contract.errors import RunError
from workers.contract.services import Text
from workers.contract.spec import Model
from workers.engine.written import MODELS, batches, ids_of, keep, must_fit, on_device, padded, written
from workers.models.loading import load_tokenizer, locate

Kept = tuple[PreTrainedModel, PreTrainedTokenizerBase, int | None]


def make_reward_model(stack: ExitStack) -> "RewardModels":
    """See `contract.services.RewardModel`."""
    return RewardModels()


class RewardModels:
    """The last few models that were asked for stay in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def __call__(self, name: str, texts: Sequence[Text]) -> list[float]:
        """One score a text, without gradient. RunError where the model cannot be loaded or is no reward model;
        ValueError for a text that is longer than it takes."""
        network, tokenizer, pad = keep(self._kept, name, MODELS, load_reward_model)
        rows = [_ids(tokenizer, text, network) for text in texts]
        found = [0.0] * len(rows)
        for chosen in batches(rows):
            scores = _scores(network, [rows[n] for n in chosen], pad)
            for n, score in zip(chosen, scores.tolist(), strict=True):
                found[n] = score
        return found


def load_reward_model(name: str) -> Kept:
    """The network, its tokenizer, and its token that fills rows up, if it has any. RunError says what is wrong."""
    model = Model(name)
    place, options = locate(model)
    tokenizer = load_tokenizer(model)
    mend = "Name a Hugging Face id or a directory of a model for sequence classification with one output."
    try:
        made: Any = AutoModelForSequenceClassification.from_pretrained(
            place, use_safetensors=True, dtype=torch.float32, trust_remote_code=False, output_loading_info=True,
            **options,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        first = str(error).strip().split("\n")[0][:300]
        raise RunError("model", f"the reward model {name!r} cannot be loaded: {first}", mend) from error
    network: PreTrainedModel = made[0]
    if made[1]["missing_keys"]:
        # A plain language model gets a random head here, whose scores would look like any others.
        what = f"{name!r} is no reward model: its files lack {', '.join(sorted(made[1]['missing_keys'])[:3])}."
        raise RunError("model", what, mend)
    if network.config.num_labels != 1:
        raise RunError("model", f"{name!r} gives {network.config.num_labels} numbers a text, not one.", mend)
    pad = network.config.pad_token_id
    torch.nn.Module.eval(on_device(network))
    return network, tokenizer, None if pad is None else int(pad)


def _ids(tokenizer: PreTrainedTokenizerBase, text: Text, network: PreTrainedModel) -> tuple[int, ...]:
    before, after, special = written(tokenizer, text)
    ids = ids_of(tokenizer, f"{before}{text.completion}{after}", special)
    must_fit(len(ids), network.config)
    return ids


@torch.no_grad()
def _scores(network: PreTrainedModel, rows: Sequence[Sequence[int]], pad: int | None) -> Tensor:
    # Such networks find the last token of a row by their pad token. One that has none reads the last token, whatever
    # that is (the end token as a rule, which its tokenizer may well fill up with): it gets one that no row holds.
    if pad is None:
        held = {token for row in rows for token in row}
        pad = next((token for token in range(network.config.vocab_size) if token not in held), 0)
        network.config.pad_token_id = pad
    ids, present = padded(rows, pad, network.device)
    found: Tensor = network(input_ids=ids, attention_mask=present).logits[:, 0].float()
    return found
