"""A run's stock of completions for offline learning: what each step takes from it, and how it lies in a checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.contract.answers import Answers, Problem
from workers.contract.values import Span
from workers.engine import seeds
from workers.engine.batch import rows_of
from workers.engine.scoring import Scored
from workers.engine.tensors import Rollouts

GOOD, BAD = 1, 0  # tags: the better side of a pair, or a good completion; the worse one
NAMES = ("prompt_NL", "prompt_mask_NL", "token_NT", "mask_NT", "logp_NT", "group_N")


@dataclass(frozen=True)
class Stored:
    """Completions with their problems and rewards. `side_N` is GOOD or BAD where somebody said which is better, else
    −1. The streams `ref_logp`, `previous_logp` and `guide_logp` are there when a part asks for them."""

    rollouts: Rollouts
    problems: tuple[Problem, ...]
    scored: Scored
    side_N: Tensor

    def rows(self, row_R: Tensor) -> "Stored":
        """Some completions of the stock."""
        rows = row_R.tolist()
        problems = tuple(self.problems[n] for n in rows)
        return Stored(rows_of(self.rollouts, row_R), problems, self.scored.rows(rows), self.side_N[row_R])


@dataclass
class Stock:
    """What the present round learns from. `units` are the row numbers that belong together: a pair, a group, or a
    single completion; they are taken in an order that follows from seed, round and step alone. What a checkpoint
    gives back comes to `device`. `figures` are curves of the stock itself."""

    seed: int
    round: int = -1
    stored: Stored | None = None
    units: list[list[int]] = field(default_factory=list)
    name: str = "stock"
    device: str = "cpu"
    figures: dict[str, float] = field(default_factory=dict)

    def take(self, place: int, count: int) -> tuple[Tensor, Tensor]:
        """The rows of `count` units from `place` on, and the number of each row's unit among those taken: every unit
        once before any comes again."""
        assert self.stored is not None, "nothing was put into the stock"
        orders: dict[int, list[int]] = {}
        rows: list[int] = []
        numbers: list[int] = []
        for number in range(place, place + count):
            lap, index = divmod(number, len(self.units))
            if lap not in orders:
                dice = seeds.rng(self.seed, f"stock {self.round}", lap)
                orders[lap] = dice.sample(range(len(self.units)), len(self.units))
            unit = self.units[orders[lap][index]]
            rows += unit
            numbers += [number - place] * len(unit)
        device = self.stored.side_N.device
        return torch.tensor(rows, device=device), torch.tensor(numbers, device=device)

    def tensors(self) -> dict[str, Tensor]:
        """Everything, for the checkpoint; texts as the bytes of JSON."""
        if self.stored is None:
            return {"round": torch.tensor(self.round)}
        rollouts, answers = self.stored.rollouts, self.stored.rollouts.answers
        columns = {name: list(column) for name, column in answers.columns.items()}
        words = {
            "answers": [answers.texts, answers.prompts, answers.lengths, answers.ends, columns, answers.verdicts],
            "problems": [[p.prompt, p.answer, dict(p.columns)] for p in self.stored.problems],
            "scored": _written(self.stored.scored),
            "units": self.units,
            "figures": self.figures,
        }
        text = torch.frombuffer(bytearray(json.dumps(words).encode()), dtype=torch.uint8)
        plain = {name: getattr(rollouts, name).cpu().contiguous() for name in NAMES}
        streams = {f"stream.{name}": value.cpu().contiguous() for name, value in rollouts.streams.items()}
        more = {"words": text, "side_N": self.stored.side_N.cpu(), "version": torch.tensor(rollouts.version)}
        return {"round": torch.tensor(self.round), **plain, **streams, **more}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        tensors = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.round, self.stored, self.units = int(tensors["round"]), None, []
        if "words" not in tensors:
            return
        words: dict[str, Any] = json.loads(bytes(tensors["words"].tolist()))
        texts, prompts, lengths, ends, columns, verdicts = words["answers"]
        made = {name: tuple(column) for name, column in columns.items()}
        answers = Answers(tuple(texts), tuple(prompts), tuple(lengths), tuple(ends), made, tuple(verdicts))
        streams = {n.removeprefix("stream."): t for n, t in sorted(tensors.items()) if n.startswith("stream.")}
        prompt_NL, present_NL, token_NT, mask_NT, logp_NT, group_N = (tensors[name] for name in NAMES)
        version = int(tensors["version"])
        rollouts = Rollouts(
            prompt_NL, present_NL, token_NT, mask_NT, logp_NT, group_N, answers, streams=streams, version=version
        )
        problems = tuple(Problem(prompt, answer, more) for prompt, answer, more in words["problems"])
        self.stored = Stored(rollouts, problems, _read(words), tensors["side_N"])
        self.units, self.figures = words["units"], words["figures"]


def _written(scored: Scored) -> dict[str, Any]:
    """The rewards as JSON has them, which knows no numbers as keys."""
    spans = {
        label: [[n, list(map(astuple, several))] for n, several in found.items()]
        for label, found in scored.spans.items()
    }
    notes = {label: list(found.items()) for label, found in scored.notes.items()}
    return {"values": scored.values, "total": scored.total, "parts": scored.parts, "spans": spans, "notes": notes}


def _read(words: Mapping[str, Any]) -> Scored:
    """What was written; checkpoints of an older lab have values and totals alone, beside the other words."""
    kept = words.get("scored", words)
    spans = {
        label: {n: tuple(Span(*one) for one in several) for n, several in found}
        for label, found in kept.get("spans", {}).items()
    }
    notes = {label: dict(map(tuple, found)) for label, found in kept.get("notes", {}).items()}
    return Scored(kept["values"], kept["total"], [], kept.get("parts", {}), spans, notes)
