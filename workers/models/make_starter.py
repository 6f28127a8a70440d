"""Makes the starter model from nothing: `python -m workers.models.make_starter --out DIR --seed N`.

A small Llama over bytes learns, by plain next-token prediction, from a mixture of careful solutions (steps shown,
right) and careless ones (straight answer, mostly wrong). It ends up fluent in both, so reward has something to
discover. Nothing is downloaded; on one machine the same seed, steps and threads give the same weights.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workers.contract.answers import Problem
from workers.tasks import arithmetic, countdown, sorting
from workers.tasks.parts import HELDOUT, TRAIN, draw

PAD, BOS, EOS = 256, 257, 258
SPECIALS = ("<pad>", "<bos>", "<eos>")
# The guided run plays on arithmetic level 2; its neighbours keep the model usable elsewhere at little cost.
DIET: tuple[tuple[ModuleType, int, float], ...] = (
    (arithmetic, 2, 0.64),
    (arithmetic, 1, 0.08),
    (arithmetic, 3, 0.12),
    (countdown, 1, 0.08),
    (sorting, 1, 0.08),
)
GUIDED = DIET[0]


@dataclass(frozen=True)
class Recipe:
    """How the model is made. `careful_share` is the share of careful solutions that it ends on: it starts with careful
    ones only, since skill takes long to learn and habit does not, and falls to this share at `mixed_from` (a part of
    the steps)."""

    seed: int = 0
    steps: int = 3000
    sequences: int = 128
    learning_rate: float = 3e-3
    careful_share: float = 0.42
    mixed_from: float = 0.8
    threads: int = 2

    def share_at(self, step: int) -> float:
        """The share of careful solutions in the batch of `step`."""
        done = min(1.0, step / max(1.0, self.mixed_from * self.steps))
        return 1.0 - (1.0 - self.careful_share) * done


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
    )


def make_model() -> LlamaForCausalLM:
    """An untrained Llama of about one million parameters over bytes, drawn from torch's present seed."""
    config = LlamaConfig(
        vocab_size=256 + len(SPECIALS),
        hidden_size=128,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    return LlamaForCausalLM(config)


def write_batch(rng: random.Random, size: int, careful_share: float) -> tuple[Tensor, Tensor]:
    """`size` solved train problems as (tokens, targets), both (size, longest): a target is the next token where the
    model is to learn it, and -100 on the prompt and behind the end."""
    parts = rng.choices(DIET, [share for *_, share in DIET], k=size)
    rows = []
    for task, level, _ in parts:
        problem = draw(task.problem, rng, TRAIN, level=level)
        text = task.solution(rng, problem, careful=rng.random() < careful_share)
        rows.append((list(problem.prompt.encode()), [*text.encode(), EOS]))
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    token = torch.full((size, longest), PAD)
    target = torch.full((size, longest), -100)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        token[row, :end] = torch.tensor(prompt + answer)
        target[row, len(prompt) - 1 : end - 1] = torch.tensor(answer)
    return token, target


def train(recipe: Recipe, report: Callable[[int, float], None]) -> LlamaForCausalLM:
    """The trained model; `report(step, loss)` is called after every step (loss in nats a token)."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    model = make_model()
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.steps + 1, pct_start=0.06, cycle_momentum=False
    )
    for step in range(recipe.steps):
        token, target = write_batch(rng, recipe.sequences, recipe.share_at(step))
        # Padding stands behind every row, so causal attention never sees it and no mask is needed.
        logits = model(input_ids=token, use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-100)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        report(step + 1, float(loss.detach()))
    model.train(False)
    return model


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


def save(model: LlamaForCausalLM, out: Path) -> None:
    """Write weights (float32 safetensors), configuration and tokenizer to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    make_tokenizer().save_pretrained(out)


def main() -> None:
    """Train with a progress bar, save, and print a closing evaluation on held-out problems."""
    parser = argparse.ArgumentParser(prog="python -m workers.models.make_starter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its tokenizer")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="supervised steps")
    parser.add_argument("--careful-share", type=float, default=Recipe.careful_share)
    parser.add_argument("--threads", type=int, default=Recipe.threads, help="processor cores to use")
    parser.add_argument("--problems", type=int, default=2000, help="held-out problems of the closing evaluation")
    chosen = parser.parse_args()
    recipe = Recipe(chosen.seed, chosen.steps, careful_share=chosen.careful_share, threads=chosen.threads)
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        line = bar.add_task("starter model", total=recipe.steps)
        model = train(recipe, lambda step, loss: bar.update(line, completed=step, description=f"loss {loss:.3f}"))
    save(model, chosen.out)
    print(f"{model.num_parameters():,} parameters, {time.monotonic() - started:.0f} s, saved in {chosen.out}")
    for task, level, _ in DIET:
        shares = sampled_accuracy(model, task, level, count=chosen.problems, seed=1)
        print(task.__name__.rpartition(".")[2], level, json.dumps({k: round(v, 3) for k, v in shares.items()}))


if __name__ == "__main__":
    main()
