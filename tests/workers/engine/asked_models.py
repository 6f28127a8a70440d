"""Tiny reward models and readers on disk, whose tokenizer takes any text however long: a token a word."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast

from tests.workers.tiny import CHAT, make_model

WORDS = ("<pad>", "<eos>", "?", "the", "cat", "dog", "sat", "good", "bad", "39", "#39", "#41")


def word_tokenizer(chat: bool = False) -> PreTrainedTokenizerFast:
    """Words apart by blanks; unknown ones are all one."""
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made: Any = PreTrainedTokenizerFast
    found: PreTrainedTokenizerFast = made(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="?"
    )
    found.chat_template = CHAT if chat else None
    return found


def save_reward_model(folder: Path, labels: int = 1, chat: bool = False) -> str:
    """A tiny reward model."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "num_labels": labels,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = LlamaConfig(
        vocab_size=len(WORDS),
        pad_token_id=0,
        initializer_range=0.5,
        max_position_embeddings=96,
        **sizes,
    )
    make: Any = LlamaForSequenceClassification
    make(config).save_pretrained(folder)
    word_tokenizer(chat).save_pretrained(folder)
    return str(folder)


def save_reader(folder: Path, kind: str = "llama", chat: bool = False) -> str:
    """A tiny language model."""
    make_model(kind, len(WORDS)).save_pretrained(folder)
    word_tokenizer(chat).save_pretrained(folder)
    return str(folder)
