"""The data of a figure as plain values: what a probe returns and the web draws."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from torch import Tensor

DIGITS = 6


@dataclass(frozen=True)
class Axis:
    """An axis: its label and unit (empty where it has none)."""

    label: str
    unit: str = ""


@dataclass(frozen=True)
class Series:
    """One line, set of bars or strip of tokens: `y` at each `x`; `tokens` are the texts that a strip shows."""

    name: str
    x: Sequence[float | str]
    y: Sequence[float | None]
    tokens: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """A figure: `kind` is lines, bars or strip; the note says in words what one sees."""

    title: str
    kind: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """As mappings, lists, texts and numbers."""
        return asdict(self)


def numbers(values: Tensor | Iterable[float | None]) -> list[float | None]:
    """Values as JSON numbers of six digits after the point; None where one is missing or not finite."""
    listed: Iterable[float | None] = values.detach().tolist() if isinstance(values, Tensor) else values
    return [round(float(value), DIGITS) if value is not None and isfinite(value) else None for value in listed]


def places(values: Iterable[float]) -> list[float | str]:
    """Places on an axis, rounded as `numbers` does."""
    return [round(float(value), DIGITS) for value in values]
