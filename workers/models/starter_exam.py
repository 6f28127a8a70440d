"""The closing evaluation of a starter model: completions on held-out problems, and how many are right."""

import random

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from workers.contract.answers import Problem
from workers.contract.spec import Pick
from workers.engine.prompts import TaskSource
from workers.engine.recipe import make_part
from workers.models.diet import Dish
from workers.models.starters import Kind
from workers.tasks.parts import HELDOUT, draw

STRAIGHT = ("#", "<think></think>")  # how answers begin that show no steps


@torch.no_grad()
def complete(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    *,
    generator: torch.Generator,
    longest: int = 64,
    temperature: float = 1.0,
) -> list[str]:
    """One sampled completion for each prompt, of at most `longest` tokens, without the end token.

    Prompts of equal length go through the model together, so no padding is needed.
    """
    read: list[list[int]] = tokenizer(prompts)["input_ids"]
    texts, end = [""] * len(prompts), tokenizer.eos_token_id
    for length in sorted({len(prompt) for prompt in read}):
        rows = [row for row, prompt in enumerate(read) if len(prompt) == length]
        token = torch.tensor([read[row] for row in rows])
        written, cache = token[:, :0], None
        for _ in range(longest):
            out = model(input_ids=token, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            token = torch.multinomial((out.logits[:, -1] / temperature).softmax(-1), 1, generator=generator)
            written = torch.cat([written, token], dim=1)
            if bool((written == end).any(dim=1).all()):
                break
        for row, ids in zip(rows, written.tolist(), strict=True):
            texts[row] = str(tokenizer.decode(ids[: ids.index(end)] if end in ids else ids))
    return texts


def sampled_accuracy(kind: Kind, model: LlamaForCausalLM, dish: Dish, *, count: int, seed: int) -> dict[str, float]:
    """Shares over `count` held-out problems, one completion each at temperature 1: `accuracy`, `careful` (steps shown
    before the answer), and the accuracy of the careful and of the careless ones."""
    rng = random.Random(seed)
    problems: list[Problem] = [draw(dish.task.problem, rng, HELDOUT, level=dish.level) for _ in range(count)]
    generator = torch.Generator().manual_seed(seed)
    prompts = [problem.prompt for problem in problems]
    texts = complete(model, kind.make_tokenizer(), prompts, generator=generator, longest=kind.longest)
    name = dish.task.__name__.rpartition(".")[2]
    right = [verdict or 0.0 for verdict in TaskSource(make_part(Pick("tasks", name)), 0).verdicts(texts, problems)]
    careful = [float(not text.startswith(STRAIGHT)) for text in texts]
    steps = [r for r, c in zip(right, careful, strict=True) if c]
    straight = [r for r, c in zip(right, careful, strict=True) if not c]
    return {
        "accuracy": sum(right) / count,
        "careful": sum(careful) / count,
        "careful_accuracy": sum(steps) / max(1, len(steps)),
        "careless_accuracy": sum(straight) / max(1, len(straight)),
    }
