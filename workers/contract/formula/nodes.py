"""What a formula is once it is read: a tree of five kinds of node, each with the shape of its value.

`place` is the line and column (from 1) of what may turn out to be no number on a batch.
"""

from dataclasses import dataclass
from enum import IntEnum


class Shape(IntEnum):
    """What a value has one of: the whole batch, each completion, or each token. The larger wins when two meet."""

    NUMBER = 0
    COMPLETION = 1
    TOKEN = 2


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    value: float
    shape: Shape = Shape.NUMBER


@dataclass(frozen=True)
class Name:
    """One of the named streams, or a name that an earlier line gave."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Negative:
    """The value with its sign turned."""

    inner: "Node"
    shape: Shape


@dataclass(frozen=True)
class Binary:
    """Two values and what stands between them: + - * / ** or a comparison (1 where it holds, else 0)."""

    sign: str
    left: "Node"
    right: "Node"
    shape: Shape
    place: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Call:
    """A function of values, or a reduction over a scope (`group`, `batch`, `completion`)."""

    function: str
    arguments: tuple["Node", ...]
    shape: Shape
    scope: str = ""
    place: tuple[int, int] = (1, 1)


Node = Number | Name | Negative | Binary | Call


@dataclass(frozen=True)
class Formula:
    """A formula that was read: the named lines in order, the value, and the data arguments that it needs."""

    kind: str
    text: str
    lines: tuple[tuple[str, Node], ...]
    value: Node
    needs: tuple[str, ...]
