"""The starter model before it has learned anything: a small Llama over bytes, and its tokenizer."""

from collections.abc import Callable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, BOS, EOS = 256, 257, 258
SPECIALS = ("<pad>", "<bos>", "<eos>")


def byte_letters() -> list[str]:
    """The printable letter that byte-level tokenizers write for each byte 0 to 255, in the order of the bytes.

    Printable Latin-1 bytes stand for themselves; the others take the letters from U+0100 on, in order.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer without merges: the id of a byte is its value, then pad, bos and eos."""
    vocab = {letter: byte for byte, letter in enumerate(byte_letters())}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIALS))
    return as_tokenizer(tokenizer)


def as_tokenizer(tokenizer: Tokenizer, **more: Any) -> PreTrainedTokenizerFast:
    """The tokenizer as models use it, with pad, bos and eos."""
    pad, bos, eos = SPECIALS
    build: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    return build(
        tokenizer_object=tokenizer,
        pad_token=pad,
        bos_token=bos,
        eos_token=eos,
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
        **more,
    )


def make_model(
    vocabulary: int = 256 + len(SPECIALS), special: tuple[int, int, int] = (PAD, BOS, EOS)
) -> LlamaForCausalLM:
    """An untrained Llama of about one million parameters, over bytes unless another size of vocabulary and other places
    of pad, bos and eos are named; drawn from torch's present seed."""
    pad, bos, eos = special
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=pad,
        bos_token_id=bos,
        eos_token_id=eos,
    )
    return LlamaForCausalLM(config)
