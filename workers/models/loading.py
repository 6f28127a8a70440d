"""A causal language model and its tokenizer by name: a starter, a local directory, or a Hugging Face id.

Weights are read from safetensors only (a pickle runs code when it is opened), and no model brings code of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import logging as transformers_logging

from workers.contract.errors import RunError
from workers.contract.modelnames import STARTERS
from workers.contract.spec import Model

# Its bars would stand between the lines of the command line's events.
hide_bars: Callable[[], None] = transformers_logging.disable_progress_bar
hide_bars()
read_config: Callable[..., dict[str, Any]] = get_tokenizer_config
STARTER = "starter"
GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")


@dataclass(frozen=True)
class Loaded:
    """A model with its tokenizer. `pad` fills rows up; `ends` are the tokens that finish a completion (none: every
    completion runs to the length limit); `longest` is the most positions the model can take (None: not said)."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pad: int
    ends: tuple[int, ...]
    longest: int | None
    chat: bool
    notes: tuple[str, ...] = ()

    def encode(self, prompts: list[str]) -> list[list[int]]:
        """Token ids of each prompt, through the chat template where the spec says so."""
        if not self.chat:
            encoded: list[list[int]] = self.tokenizer(prompts, add_special_tokens=True)["input_ids"]
            return encoded
        return [self._chat(prompt) for prompt in prompts]

    def chat_text(self, prompt: str) -> str:
        """The prompt as the chat template writes it, up to where the answer begins."""
        message = [{"role": "user", "content": prompt}]
        return str(self.tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False))

    def _chat(self, prompt: str) -> list[int]:
        text = self.chat_text(prompt)
        # The template writes its own special tokens: adding them once more would double the first.
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def load(model: Model, device: str = "cpu") -> Loaded:
    """The model in float32, in evaluation mode (no dropout: sampling and training must see one policy), and its
    tokenizer. RunError at `model` or `tokenizer` says what is missing and what to do."""
    place, options = locate(model)
    tokenizer = load_tokenizer(model)
    try:
        network: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            place, use_safetensors=True, dtype=torch.float32, trust_remote_code=False, **options
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        mend = "Name `starter`, `starter-skills`, a Hugging Face id, or a directory with config.json and *.safetensors."
        raise RunError("model", f"{model.name!r} cannot be loaded: {_first_line(error)}", mend) from error
    torch.nn.Module.to(network, torch.device(device))
    torch.nn.Module.eval(network)
    pad, notes = _pad(tokenizer, model.name)
    ends = _ends(tokenizer, network)
    if not ends:
        notes = (*notes, "The tokenizer has no end token: every completion runs to the length limit.")
    _vocabulary(tokenizer, network, model.name)
    longest = getattr(network.config, "max_position_embeddings", None)
    return Loaded(network, tokenizer, pad, ends, longest, model.chat, notes)


def load_tokenizer(model: Model) -> PreTrainedTokenizerBase:
    """The tokenizer alone; RunError when there is none, or none with a chat template although one is asked for."""
    place, options = locate(model)
    try:
        said = read_config(place, **options).get("tokenizer_class")
        # By model type AutoTokenizer puts another class over files that name a generic one, and cuts texts otherwise.
        maker: Any = PreTrainedTokenizerFast if said in GENERIC else AutoTokenizer
        tokenizer: PreTrainedTokenizerBase = maker.from_pretrained(place, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError) as error:
        mend = "A directory needs tokenizer.json and tokenizer_config.json beside the weights."
        raise RunError("tokenizer", f"of {model.name!r} cannot be loaded: {_first_line(error)}", mend) from error
    if model.chat and not tokenizer.chat_template:
        raise RunError("tokenizer", f"{model.name!r} has no chat template.", "Switch the chat template off.")
    return tokenizer


def locate(model: Model) -> tuple[str, dict[str, Any]]:
    """Where the files are, and how transformers should look for them; RunError when a local path does not exist."""
    if model.name in STARTERS:
        folder = Path(__file__).resolve().parent / STARTERS[model.name]
        if not (folder / "config.json").is_file():
            kind = model.name.removeprefix(f"{STARTER}-")
            mend = f"Make it: python -m workers.models.make_starter --kind {kind} --out {folder}"
            raise RunError("model", f"the model {model.name} is not there.", mend)
        return str(folder), {"local_files_only": True}
    path = Path(model.name).expanduser()
    if path.is_dir():
        return str(path), {"local_files_only": True}
    if path.is_absolute() or model.name.startswith((".", "~")):
        raise RunError("model", f"there is no directory {model.name!r}.", "Check the path on the worker's machine.")
    return model.name, {"revision": model.revision} if model.revision else {}


def check_length(loaded: Loaded, prompt_ids: list[list[int]], prompts: list[str], new_tokens: int) -> None:
    """RunError at `data` with the offending prompt when prompt plus completion does not fit the model."""
    if loaded.longest is None or not prompt_ids:
        return
    index = max(range(len(prompt_ids)), key=lambda i: len(prompt_ids[i]))
    length = len(prompt_ids[index])
    if length + new_tokens > loaded.longest:
        room = loaded.longest - length
        mend = f"Allow at most {room} new tokens, or leave this prompt out." if room > 0 else "Leave this prompt out."
        what = f"a prompt of {length} tokens and {new_tokens} new ones exceed the model's {loaded.longest} positions."
        raise RunError("data", what, mend, {"index": index, "prompt": prompts[index], "length": length})


def _pad(tokenizer: PreTrainedTokenizerBase, name: str) -> tuple[int, tuple[str, ...]]:
    if tokenizer.pad_token_id is not None:
        return int(tokenizer.pad_token_id), ()
    if tokenizer.eos_token_id is not None:
        note = f"The tokenizer of {name} has no pad token: its end token {tokenizer.eos_token!r} fills rows up."
        return int(tokenizer.eos_token_id), (note,)
    mend = "Set pad_token or eos_token in its tokenizer_config.json."
    raise RunError("tokenizer", f"the tokenizer of {name!r} has neither a pad token nor an end token.", mend)


def _ends(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> tuple[int, ...]:
    """The tokenizer's end token and those that the model's own generation settings name (chat models have several)."""
    said = getattr(network.generation_config, "eos_token_id", None)
    ends = set(said if isinstance(said, list) else [said]) | {tokenizer.eos_token_id}
    return tuple(sorted(int(end) for end in ends if end is not None))


def _vocabulary(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, name: str) -> None:
    size = network.get_input_embeddings().get_parameter("weight").shape[0]
    if len(tokenizer) > size:
        what = f"the tokenizer of {name!r} knows {len(tokenizer)} tokens, the model only {size}."
        raise RunError("tokenizer", what, "Use the tokenizer that the model was trained with.")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
