"""The closing evaluation of the starter model: completions on held-out problems, and how many are right."""

import random
from types import ModuleType

import torch
from transformers import LlamaForCausalLM

from workers.contract.answers import Problem
from workers.models.starter_parts import EOS
from workers.tasks.parts import HELDOUT, draw


@torch.no_grad()
def complete(
    model: LlamaForCausalLM, prompts: list[str], *, generator: torch.Generator, temperature: float = 1.0
) -> list[str]:
    """One sampled completion for each prompt, of at most 64 tokens, without the end token.

    Prompts of equal length go through the model together, so no padding is needed.
    """
    texts = [""] * len(prompts)
    for length in sorted({len(prompt) for prompt in prompts}):
        rows = [row for row, prompt in enumerate(prompts) if len(prompt) == length]
        token = torch.tensor([list(prompts[row].encode()) for row in rows])
        written, cache = token[:, :0], None
        for _ in range(64):
            out = model(input_ids=token, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            token = torch.multinomial((out.logits[:, -1] / temperature).softmax(-1), 1, generator=generator)
            written = torch.cat([written, token], dim=1)
            if bool((written == EOS).any(dim=1).all()):
                break
        for row, ids in zip(rows, written.tolist(), strict=True):
            end = ids.index(EOS) if EOS in ids else len(ids)
            texts[row] = bytes(min(byte, 255) for byte in ids[:end]).decode(errors="replace")
    return texts


def sampled_accuracy(
    model: LlamaForCausalLM, task: ModuleType, level: int, *, count: int, seed: int
) -> dict[str, float]:
    """Shares over `count` held-out problems, one completion each at temperature 1: `accuracy`, `careful` (steps shown
    before the answer), and the accuracy of the careful and of the careless ones."""
    rng = random.Random(seed)
    problems: list[Problem] = [draw(task.problem, rng, HELDOUT, level=level) for _ in range(count)]
    generator = torch.Generator().manual_seed(seed)
    texts = complete(model, [problem.prompt for problem in problems], generator=generator)
    right = [task.verify(text, problem) for text, problem in zip(texts, problems, strict=True)]
    careful = [float(not text.startswith("#")) for text in texts]
    steps = [r for r, c in zip(right, careful, strict=True) if c]
    straight = [r for r, c in zip(right, careful, strict=True) if not c]
    return {
        "accuracy": sum(right) / count,
        "careful": sum(careful) / count,
        "careful_accuracy": sum(steps) / max(1, len(steps)),
        "careless_accuracy": sum(straight) / max(1, len(straight)),
    }
