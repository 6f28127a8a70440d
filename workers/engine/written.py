"""Texts as tokens of a model that rewards ask: prompts, completions, dialogues; and batches of them."""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from workers.contract.services import Text

T = TypeVar("T")
MODELS = 2  # kept in memory
MOST = 8192  # tokens of one batch, padding included


@dataclass(frozen=True)
class Cut:
    """One text as tokens: of the prompt, of the completion, and of what a template writes after it."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    after: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion) + len(self.after)


def cut(tokenizer: PreTrainedTokenizerBase, text: Text, config: Any) -> Cut:
    """A text as tokens, its parts each cut by themselves. ValueError where it is longer than the model takes."""
    before, after, special = written(tokenizer, text)
    made = Cut(ids_of(tokenizer, before, special), ids_of(tokenizer, text.completion), ids_of(tokenizer, after))
    must_fit(len(made), config)
    return made


def must_fit(length: int, config: Any) -> None:
    """ValueError where so many tokens are more than the model of this configuration takes."""
    longest = getattr(config, "max_position_embeddings", None)
    if longest is not None and length > longest:
        raise ValueError(f"the text has {length} tokens, and the model takes at most {longest}")


def ids_of(tokenizer: PreTrainedTokenizerBase, text: str, special: bool = False) -> tuple[int, ...]:
    """The tokens of a text, with those that the tokenizer puts around it if `special`."""
    return tuple(tokenizer(text, add_special_tokens=special)["input_ids"]) if text or special else ()


def written(tokenizer: PreTrainedTokenizerBase, text: Text) -> tuple[str, str, bool]:
    """What stands before and after the completion, and whether the tokenizer should add its special tokens: a chat
    template has written them already."""
    if not text.dialogue:
        return text.prompt, "", True
    mark = "\u2063completion\u2063"  # nobody writes this
    turns = [{"role": role, "content": content} for role, content in (*text.dialogue, (text.role, mark))]
    if not tokenizer.chat_template:
        lines = "\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns)
        return lines.removesuffix(mark), "", True
    before, found, after = str(tokenizer.apply_chat_template(turns, tokenize=False)).rpartition(mark)
    if not found:
        raise ValueError(f"the model's chat template leaves out what {text.role!r} says")
    return before, after, False


def batches(rows: Sequence[Sized], most: int = MOST) -> list[list[int]]:
    """Indices of rows of like lengths, together: each batch within `most` tokens, or one row."""
    made: list[list[int]] = []
    for n in sorted(range(len(rows)), key=lambda n: len(rows[n])):
        if made and len(rows[n]) * (len(made[-1]) + 1) <= most:
            made[-1].append(n)
        else:
            made.append([n])
    return made


def padded(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows filled up on the right, and where they are not filling; an empty row has one filling that counts."""
    longest = max(1, *(len(row) for row in rows))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], device=device)
    present = torch.tensor([[n < max(1, len(row)) for n in range(longest)] for row in rows], device=device)
    return ids, present.long()


def keep(kept: dict[str, T], name: str, most: int, make: Callable[[str], T]) -> T:
    """What `name` stands for, made when it is not kept; of more than `most` the one unused for longest goes."""
    found = kept.pop(name) if name in kept else make(name)
    kept[name] = found
    while len(kept) > most:
        kept.pop(next(iter(kept)))
    return found


def on_device(network: PreTrainedModel) -> PreTrainedModel:
    """The network where it is fastest."""
    torch.nn.Module.to(network, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    return network
