"""Pieces: put together they are the text, whatever the tokenizer and however letters are cut up."""

from collections.abc import Callable

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.workers.tiny import make_tokenizer
from workers.engine.pieces import pieces
from workers.engine.words import Words

TEXTS = ["the cat sat", "naïve café", "猫 and 🙂!", "3+4=7\n\ttabs  and  blanks ", "\x00\x7f", ""]


@pytest.mark.parametrize("text", TEXTS)
def test_byte_level_pieces_are_the_text(text: str) -> None:
    tokenizer = make_tokenizer()
    ids = tokenizer(text)["input_ids"]
    found = pieces(tokenizer, ids)
    assert len(found) == len(ids)
    assert "".join(found) == text


def test_a_letter_of_several_tokens_stands_at_the_last() -> None:
    tokenizer = make_tokenizer(260)  # no merges: one token a byte
    assert pieces(tokenizer, tokenizer("a猫b")["input_ids"]) == ["a", "", "", "猫", "b"]


def test_bytes_that_are_no_text_become_the_replacement_sign() -> None:
    tokenizer = make_tokenizer(260)
    ids = tokenizer("猫")["input_ids"]
    assert pieces(tokenizer, ids[:2]) == ["", "\ufffd"]
    assert pieces(tokenizer, [*ids[:2], 1]) == ["", "\ufffd", "<eos>"]
    assert pieces(tokenizer, [ids[2], *tokenizer("a")["input_ids"]]) == ["\ufffd", "a"]


def test_special_tokens_are_shown_by_name() -> None:
    tokenizer = make_tokenizer()
    assert pieces(tokenizer, [*tokenizer("the")["input_ids"], 1])[-1] == "<eos>"


def test_marks_and_byte_tokens() -> None:
    vocabulary = {"<unk>": 0, "\u2581the": 1, "\u2581": 2, "cat": 3, "<0xE7>": 4, "<0x8C>": 5, "<0xAB>": 6}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    wrap: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    tokenizer = wrap(tokenizer_object=backend, unk_token="<unk>")
    assert pieces(tokenizer, [1, 2, 3, 4, 5, 6]) == [" the", " ", "cat", "", "", "猫"]


@pytest.mark.parametrize("text", [*TEXTS, "She has $3.50; 2_000 x²"])
def test_words_lose_nothing(text: str) -> None:
    words = Words()
    found = words.pieces(text)
    assert "".join(found) == text
    assert all(found)
    assert len(set(words.ids(found))) == len(set(found))
    assert words.ids(found) == words.ids(found)


def test_words_cut_where_a_reader_would() -> None:
    assert Words().pieces("She paid $18, twice.") == ["She", " ", "paid", " ", "$", "18", ",", " ", "twice", "."]
