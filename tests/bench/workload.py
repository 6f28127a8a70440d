"""What both sides of the bench work on: prompts, a reward, and how a case differs from the plain one."""

import json
import random
import re
import string
from dataclasses import dataclass
from pathlib import Path

from tests.bench import models

NEW_TOKENS = 48
LEARNING_RATE = 1e-6
BETA = 0.04
PATTERN = "[a-m][A-M]"
# The chance to end at each token: never, or so that completions are 15 tokens long on average.
NEVER, EARLY = 1e-7, 0.0645


@dataclass(frozen=True)
class Case:
    """One line of the table. `tuned` is TRL without its checkpointing and bfloat16; `windowed` a network that does not
    fit Merit's ways of sharing."""

    name: str
    size: models.Size
    goal: float
    beta: float = 0.0
    end_share: float = NEVER
    tuned: bool = True
    windowed: bool = False


CASES = {
    case.name: case
    for name, size in models.SIZES.items()
    for case in (
        Case(f"{name}", size, {"3m": 1.3, "25m": 1.35}[name]),
        Case(f"{name}-reference", size, {"3m": 1.3, "25m": 1.35}[name], beta=BETA),
        Case(f"{name}-uneven", size, 1.8, end_share=EARLY),
        Case(f"{name}-defaults", size, 3.5, tuned=False),
        Case(f"{name}-windowed", size, 1.0, windowed=True),
    )
}


def prompts(count: int = 256) -> list[str]:
    """Lines of 20 to 36 letters, all different."""
    dice = random.Random(0)
    return ["".join(dice.choices(string.ascii_lowercase + " ", k=dice.randint(20, 36))) for _ in range(count)]


def write_prompts(path: Path) -> Path:
    """The prompts as rows that a run reads."""
    path.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts()))
    return path


def reward(text: str) -> float:
    """What Merit's `format` reward gives for PATTERN anywhere."""
    return float(re.search(PATTERN, text, re.DOTALL) is not None)
