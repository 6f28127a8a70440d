"""What a starter model is fed: solved train problems of the built-in tasks, some of them with the user's reaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from workers.models.reactions import reaction
from workers.tasks.parts import TRAIN, draw

SLIPS = 0.5  # share of careless answers that show their steps and slip, where users react
END = "</think>"


@dataclass(frozen=True)
class Dish:
    """One task at a level, its share of the diet, and whether users react to its answers (then it is arithmetic, or its
    answers begin with a thought)."""

    task: ModuleType
    level: int
    share: float
    reactions: bool = False


@dataclass(frozen=True)
class Dialogue:
    """A prompt and the turns that follow it; each ends with the end token."""

    prompt: str
    turns: tuple[str, ...]


def write(rng: random.Random, diet: Sequence[Dish], size: int, careful_share: float) -> list[Dialogue]:
    """`size` solved train problems, so many of them carefully solved."""
    return [_dialogue(rng, dish, careful_share) for dish in rng.choices(diet, [dish.share for dish in diet], k=size)]


def _dialogue(rng: random.Random, dish: Dish, careful_share: float) -> Dialogue:
    problem = draw(dish.task.problem, rng, TRAIN, level=dish.level)
    careful = rng.random() < careful_share
    text = dish.task.solution(rng, problem, careful=careful)
    if not dish.reactions:
        return Dialogue(problem.prompt, (text,))
    if not careful and rng.random() < SLIPS:
        text = _slipped(rng, text, str(problem.columns["demonstration"]), problem.answer)
    return Dialogue(problem.prompt, (text, reaction(rng, right=dish.task.verify(text, problem) == 1.0)))


def _slipped(rng: random.Random, text: str, steps: str, answer: str) -> str:
    """A right thought before what a careless writer says, or steps that end on another number: so a wrong answer may
    begin as a right one does, and be as long."""
    thought, end, _ = steps.partition(END)
    if end:
        return thought + end + text.partition(END)[2]
    wrong = rng.choice([other for other in range(max(0, int(answer) - 9), int(answer) + 10) if other != int(answer)])
    return steps.removesuffix(f"={answer}#{answer}") + f"={wrong}#{wrong}"


def tokens(tokenizer: PreTrainedTokenizerBase, dialogues: Sequence[Dialogue]) -> tuple[Tensor, Tensor]:
    """Dialogues as (tokens, targets), both (rows, longest): a target is the next token where the model is to learn it,
    and -100 on the prompt and behind the end."""
    read = tokenizer([dialogue.prompt for dialogue in dialogues])["input_ids"]
    said = iter(tokenizer([turn for dialogue in dialogues for turn in dialogue.turns])["input_ids"])
    rows = [
        (prompt, [token for _ in dialogue.turns for token in (*next(said), tokenizer.eos_token_id)])
        for prompt, dialogue in zip(read, dialogues, strict=True)
    ]
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    token = torch.full((len(rows), longest), tokenizer.pad_token_id)
    target = torch.full((len(rows), longest), -100)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        token[row, :end] = torch.tensor(prompt + answer)
        target[row, len(prompt) - 1 : end - 1] = torch.tensor(answer)
    return token, target
