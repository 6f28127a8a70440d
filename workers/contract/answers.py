"""Problems that a task poses, and the answers that a policy gave to them: plain text and columns, no tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FINISHED = "finished"
CUT_OFF = "cut off"
FAILED = "failed"
ENDS = (FINISHED, CUT_OFF, FAILED)


@dataclass(frozen=True)
class Problem:
    """One prompt of a task with its reference answer and any further columns (all JSON values)."""

    prompt: str
    answer: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """N completions as text, beside what is known of each.

    `texts`, `prompts` and `ends` have one entry a completion (`ends`: finished, cut off, failed); `lengths` are in
    tokens; `columns` maps a column's name to one value a completion (the reference answer is the column `answer`);
    `verdicts` are what the task's own verifier says (1.0 right, 0.0 wrong, None where there is no verifier); `groups`
    number the completions' groups, where that is known; `tokens` are the ids of each completion. `held_out` says that
    they are scored to be looked at, not to be learned from: then rewards that add noise add none.
    Raises ValueError when any of these has another length than `texts`.
    """

    texts: tuple[str, ...]
    prompts: tuple[str, ...]
    lengths: tuple[int, ...]
    ends: tuple[str, ...]
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    verdicts: tuple[float | None, ...] = ()
    groups: tuple[int, ...] = ()
    tokens: tuple[tuple[int, ...], ...] = ()
    held_out: bool = False

    def __post_init__(self) -> None:
        sizes = {"prompts": len(self.prompts), "lengths": len(self.lengths), "ends": len(self.ends)}
        sizes |= {f"column {name!r}": len(values) for name, values in self.columns.items()}
        optional = {"verdicts": self.verdicts, "groups": self.groups, "tokens": self.tokens}
        sizes |= {name: len(values) for name, values in optional.items() if values}
        for name, size in sizes.items():
            if size != len(self.texts):
                raise ValueError(f"{name} has {size} entries for {len(self.texts)} completions")

    def group_numbers(self) -> tuple[int, ...]:
        """The number of each completion's group; where nobody said, completions of equal prompts are one."""
        if self.groups:
            return self.groups
        known: dict[str, int] = {}
        return tuple(known.setdefault(prompt, len(known)) for prompt in self.prompts)

    def rows(self, chosen: Sequence[int]) -> "Answers":
        """The answers of the given indices, in their order."""

        def some(values: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(values[n] for n in chosen) if values else ()

        return Answers(
            some(self.texts),
            some(self.prompts),
            some(self.lengths),
            some(self.ends),
            {name: some(values) for name, values in self.columns.items()},
            some(self.verdicts),
            some(self.groups),
            some(self.tokens),
            self.held_out,
        )

    def column(self, name: str) -> tuple[Any, ...]:
        """The values of one column; ValueError names the columns there are when it is missing."""
        if name not in self.columns:
            known = ", ".join(sorted(self.columns)) or "none"
            raise ValueError(f"the reward asks for the column {name!r}, but the prompts have: {known}")
        return self.columns[name]
