"""The models of the bench: Llamas of a given size over single characters, saved where both sides can load them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

VOCABULARY = 128
PAD, END = 0, 1


@dataclass(frozen=True)
class Size:
    """A Llama's shape, and the batch that it is measured with."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    prompts: int
    siblings: int


SIZES = {"3m": Size(192, 6, 6, 640, 16, 8), "25m": Size(512, 8, 8, 1376, 8, 8)}


def make_tokenizer(vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """One token a printable ASCII character; the ids left over are private marks that nobody types."""
    letters = [chr(code) for code in range(32, 127)]
    words = ["<pad>", "<eos>", *letters]
    words += [chr(0xE000 + n) for n in range(vocabulary - len(words))]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words[:vocabulary])}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    build: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    return build(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def save(folder: Path, size: Size, end_share: float, *, windowed: bool = False, seed: int = 0) -> Path:
    """An untrained model whose chance to end at each token is `end_share` on average, and its tokenizer. `windowed`
    gives one whose layers in part look back 32 tokens only: nothing may be shared between its rows."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "pad_token_id": PAD,
        "bos_token_id": None,
        "eos_token_id": END,
    }
    window: dict[str, Any] = {"use_sliding_window": True, "sliding_window": 32, "max_window_layers": size.layers // 2}
    model = Qwen2ForCausalLM(Qwen2Config(**sizes, **window)) if windowed else LlamaForCausalLM(LlamaConfig(**sizes))
    _set_end_share(model, end_share)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


@torch.no_grad()
def _set_end_share(model: LlamaForCausalLM | Qwen2ForCausalLM, share: float) -> None:
    """Give all tokens one coordinate in common, and the end token as much more or less of it as `share` asks."""
    weight_VX = model.get_input_embeddings().get_parameter("weight")
    # Far more than the layers add or take away, or its sign, and with it the end's chance, would differ by position.
    weight_VX[:, 0] = 4.0
    ids = torch.randint(2, VOCABULARY, (16, 32), generator=torch.Generator().manual_seed(0))
    state_MX = model.model(input_ids=ids).last_hidden_state.flatten(0, 1)
    low, high = -50.0, 50.0
    for _ in range(40):
        weight_VX[END, 0] = (low + high) / 2
        found = float((state_MX @ weight_VX.T).softmax(-1)[:, END].mean())
        low, high = (low, (low + high) / 2) if found > share else ((low + high) / 2, high)
