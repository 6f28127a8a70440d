"""The starter models that ship with the project: what each is made of, what it is fed, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from workers.models import skills_parts, starter_parts
from workers.models.diet import Dish
from workers.tasks import arithmetic, countdown, sorting


@dataclass(frozen=True)
class Recipe:
    """How a model is made. `careful_share` is the share of careful solutions that it ends on: it starts with careful
    ones only, since skill takes long to learn and habit does not, and falls to this share at `mixed_from` (a part of
    the steps). A batch goes through the model in `parts` of like lengths. `diet` is one of its own (empty: the kind's);
    after the step `stop` the model goes on by its next recipe (None: after all steps)."""

    seed: int = 0
    steps: int = 3000
    sequences: int = 128
    learning_rate: float = 3e-3
    careful_share: float = 0.42
    mixed_from: float = 0.8
    threads: int = 2
    parts: int = 1
    diet: tuple[Dish, ...] = ()
    stop: int | None = None

    @property
    def length(self) -> int:
        """How many steps are taken."""
        return self.steps if self.stop is None else min(self.stop, self.steps)

    def share_at(self, step: int) -> float:
        """The share of careful solutions in the batch of `step`."""
        done = min(1.0, step / max(1.0, self.mixed_from * self.steps))
        return 1.0 - (1.0 - self.careful_share) * done


@dataclass(frozen=True)
class Kind:
    """A starter model: its tokenizer, its untrained network, its diet, its recipes, one after the other, and the
    precision of its file. `longest` is the most tokens of an answer in its closing evaluation."""

    make_tokenizer: Callable[[], PreTrainedTokenizerFast]
    make_model: Callable[[], LlamaForCausalLM]
    diet: tuple[Dish, ...]
    recipes: tuple[Recipe, ...]
    dtype: torch.dtype
    longest: int

    def save(self, model: LlamaForCausalLM, out: Path) -> None:
        """Write weights (safetensors), configuration and tokenizer to `out`; the model then has the file's numbers."""
        out.mkdir(parents=True, exist_ok=True)
        torch.nn.Module.to(model, self.dtype)
        model.save_pretrained(out)
        torch.nn.Module.to(model, torch.float32)
        self.make_tokenizer().save_pretrained(out)


# The guided run plays on arithmetic level 2; its neighbours keep the model usable elsewhere at little cost.
ARITHMETIC = (
    Dish(arithmetic, 2, 0.64),
    Dish(arithmetic, 1, 0.08),
    Dish(arithmetic, 3, 0.12),
    Dish(countdown, 1, 0.08),
    Dish(sorting, 1, 0.08),
)
# Sums take far more practice than all else: a second course has more of them; the third has reactions to calls too.
SKILLS = Recipe(steps=3600, sequences=48, learning_rate=2e-3, careful_share=0.35, threads=1, parts=3, stop=1750)
KINDS = {
    "starter": Kind(
        starter_parts.make_tokenizer, starter_parts.make_model, ARITHMETIC, (Recipe(),), torch.float32, longest=64
    ),
    "skills": Kind(
        skills_parts.make_tokenizer,
        skills_parts.make_model,
        skills_parts.DIET,
        (
            SKILLS,
            replace(SKILLS, steps=1150, learning_rate=1.5e-3, diet=skills_parts.SUMS, stop=None),
            replace(SKILLS, steps=1000, learning_rate=1.2e-3, diet=skills_parts.CALLS, stop=None),
        ),
        torch.float16,
        longest=96,
    ),
}
