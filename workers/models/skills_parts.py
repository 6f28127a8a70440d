"""The skills starter before it has learned anything: a small Llama over word pieces, its tokenizer and its diet."""

import random
from collections.abc import Callable
from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from workers.models.diet import Dish, write
from workers.models.starter_parts import SPECIALS, as_tokenizer
from workers.models.starter_parts import make_model as starter_model
from workers.tasks import arithmetic, judging, reranking, text_to_sql, tool_use

DIET = (
    Dish(tool_use, 1, 0.07),
    Dish(tool_use, 2, 0.09),
    Dish(tool_use, 3, 0.12),
    Dish(text_to_sql, 1, 0.06),
    Dish(text_to_sql, 2, 0.09),
    Dish(reranking, 1, 0.06),
    Dish(reranking, 2, 0.11),
    Dish(judging, 1, 0.07),
    Dish(judging, 2, 0.10),
    Dish(judging, 3, 0.06),
    Dish(arithmetic, 1, 0.11, reactions=True),
    Dish(arithmetic, 2, 0.06, reactions=True),
)
SUMS = (
    Dish(tool_use, 1, 0.05),
    Dish(tool_use, 2, 0.07),
    Dish(tool_use, 3, 0.10),
    Dish(text_to_sql, 1, 0.05),
    Dish(text_to_sql, 2, 0.07),
    Dish(reranking, 1, 0.05),
    Dish(reranking, 2, 0.08),
    Dish(judging, 1, 0.06),
    Dish(judging, 2, 0.08),
    Dish(judging, 3, 0.06),
    Dish(arithmetic, 1, 0.40, reactions=True),
    Dish(arithmetic, 2, 0.03, reactions=True),
)
CALLS = (
    Dish(tool_use, 1, 0.10, reactions=True),
    Dish(tool_use, 2, 0.18, reactions=True),
    Dish(tool_use, 3, 0.08),
    Dish(text_to_sql, 1, 0.04),
    Dish(text_to_sql, 2, 0.06),
    Dish(reranking, 1, 0.06),
    Dish(reranking, 2, 0.10),
    Dish(judging, 1, 0.06),
    Dish(judging, 2, 0.09),
    Dish(judging, 3, 0.06),
    Dish(arithmetic, 1, 0.14, reactions=True),
    Dish(arithmetic, 2, 0.03, reactions=True),
)
VOCABULARY = 640
TEXTS = 4000  # solved problems that the pieces are counted in
# Pieces never cross these: single digits, words, marks, breaks; the first two may take the blank before them.
PIECES = r" ?\d| ?[A-Za-z_]+| ?[^\sA-Za-z_\d]+|\s"
# A first message is the plain prompt; answers end with the end token; what a system message says it has never learned.
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)


@cache
def _pieces() -> Tokenizer:
    """Byte pairs that are frequent in the diet, counted in the same texts every time."""
    dialogues = write(random.Random(0), DIET, TEXTS, careful_share=0.5)
    texts = [text for dialogue in dialogues for text in (dialogue.prompt, *dialogue.turns)]
    tokenizer = Tokenizer(models.BPE())
    cut: Callable[..., pre_tokenizers.PreTokenizer] = pre_tokenizers.Split
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut(Regex(PIECES), "isolated"), whole])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Pad, bos and eos, the 256 bytes, and the merges that the diet's own texts make worth while; digits are single."""
    return as_tokenizer(_pieces(), chat_template=TEMPLATE)


def make_model() -> LlamaForCausalLM:
    """An untrained Llama of about one million parameters, drawn from torch's present seed."""
    return starter_model(VOCABULARY, (0, 1, 2))
