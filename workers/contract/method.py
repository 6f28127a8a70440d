"""One method as its file tells it."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workers.contract.card import Card
from workers.contract.limits import Param


class MethodError(ValueError):
    """A method file that breaks the form; the message names the file and the line."""


@dataclass(frozen=True)
class Method:
    """One method as its file tells it. `needs` are the data arguments; `source` the file's whole text."""

    kind: str
    name: str
    path: Path
    doc: str
    card: Card
    needs: tuple[str, ...]
    params: tuple[Param, ...]
    source: str

    @property
    def address(self) -> str:
        """`kind/name`, as in the library's URLs."""
        return f"{self.kind}/{self.name}"

    @property
    def purpose(self) -> str:
        """The first sentence of the docstring."""
        return self.doc.strip().split("\n\n")[0].replace("\n", " ")

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with any change of the file."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]

    def defaults(self) -> dict[str, object]:
        """Every parameter's default."""
        return {param.name: param.default for param in self.params}
