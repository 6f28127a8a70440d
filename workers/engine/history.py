"""What the newest completions of each prompt earned, for selections that plan ahead; kept in the checkpoint."""

from hashlib import blake2b

import torch
from torch import Tensor

KEPT = 64  # the newest rewards of a prompt


class History:
    """The newest rewards of every prompt that the run has met, and how many its last visit drew."""

    name = "history"

    def __init__(self) -> None:
        self._past: dict[int, list[float]] = {}
        self._drawn: dict[int, int] = {}

    def add(self, prompts: list[str], reward_N: list[float]) -> None:
        """Note a step's rewards, one a completion; completions of a prompt need not be neighbours."""
        visit: dict[int, list[float]] = {}
        for prompt, reward in zip(prompts, reward_N, strict=True):
            visit.setdefault(key_of(prompt), []).append(reward)
        for key, rewards in visit.items():
            self._past[key] = (rewards[::-1] + self._past.get(key, []))[:KEPT]
            self._drawn[key] = len(rewards)

    def ahead(self, prompts: list[str]) -> tuple[Tensor, Tensor]:
        """(past_PH, drawn_P) of the given prompts: rewards newest first with NaN behind, and the last visit's count."""
        rows = [self._past.get(key_of(prompt), []) for prompt in prompts]
        past_PH = torch.tensor([row + [float("nan")] * (KEPT - len(row)) for row in rows])
        return past_PH, torch.tensor([self._drawn.get(key_of(prompt), 0) for prompt in prompts])

    def tensors(self) -> dict[str, Tensor]:
        """Everything, for the checkpoint."""
        keys = list(self._past)
        rows = [self._past[key] + [float("nan")] * (KEPT - len(self._past[key])) for key in keys]
        return {
            "key": torch.tensor(keys, dtype=torch.long),
            "past": torch.tensor(rows, dtype=torch.float64).reshape(len(keys), KEPT),
            "drawn": torch.tensor([self._drawn[key] for key in keys], dtype=torch.long),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        self._past.clear()
        self._drawn.clear()
        columns = (tensors["key"].tolist(), tensors["past"].tolist(), tensors["drawn"].tolist())
        for key, row, drawn in zip(*columns, strict=True):
            self._past[key] = [value for value in row if value == value]
            self._drawn[key] = drawn


def key_of(prompt: str) -> int:
    """A prompt's number: the first eight bytes of its digest."""
    return int.from_bytes(blake2b(prompt.encode(), digest_size=8).digest(), "big", signed=True)
