"""What a reward says of N completions: a number each, and where the numbers come from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Unit = Literal["letter", "token", "step"]


@dataclass(frozen=True)
class Span:
    """A value for a part of one completion: its places `start` to `end` (exclusive), counted from 0 in letters of the
    text, in tokens, or in steps (lines of the text). The value counts at the last token of the part. `part` names the
    component of the reward that the value belongs to, where it has components."""

    start: int
    end: int
    value: float
    unit: Unit = "letter"
    part: str = ""

    def times(self, factor: float) -> "Span":
        """The same place with a multiple of the value."""
        return replace(self, value=self.value * factor)


@dataclass(frozen=True)
class Values:
    """`total` has a number a completion (None: the reward does not apply, or failed).

    `parts` are the components behind the totals, by name; `spans` say by index of a completion where in it the total
    arises, if it is dense (what the spans leave of the total counts at the end of the completion); `faults` say by
    index why a completion could not be scored (its total is None); `notes` are texts to read beside the values, by
    index, such as what a judge wrote.
    """

    total: Sequence[float | None]
    parts: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    spans: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    faults: Mapping[int, str] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)

    def dense(self, n: int) -> tuple[Span, ...]:
        """The spans of one completion; none where its value stands for the whole."""
        return tuple(self.spans.get(n, ()))


def as_values(given: object) -> Values:
    """What a function returned, a plain list of numbers or `Values`, as the latter."""
    if isinstance(given, Values):
        return given
    assert isinstance(given, Sequence), f"a list of numbers or Values is needed, not {type(given).__name__}"
    return Values(given)


def valid(values: Iterable[float | None]) -> list[float]:
    """The numbers among them."""
    return [value for value in values if value is not None]
