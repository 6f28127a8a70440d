"""All methods of the lab, each read from its file as text. Web and workers each read them and compare digests."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workers.contract.kinds import KINDS, Kind
from workers.contract.method import Method, MethodError
from workers.contract.methodfile import read_method

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Catalogue:
    """All methods by `kind/name`."""

    methods: Mapping[str, Method]

    @cached_property
    def digest(self) -> str:
        """One digest of all files: web and worker must agree on it before a run is launched."""
        lines = "".join(f"{address}:{method.digest}\n" for address, method in sorted(self.methods.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:12]

    def of(self, kind: str) -> list[Method]:
        """The methods of one kind, by title."""
        return sorted((m for m in self.methods.values() if m.kind == kind), key=lambda m: m.card.title)

    def get(self, kind: str, name: str) -> Method:
        """One method; MethodError lists the names there are when it is unknown."""
        method = self.methods.get(f"{kind}/{name}")
        if method is None:
            known = ", ".join(m.name for m in self.of(kind)) or "none"
            raise MethodError(f"there is no {kind} method {name!r}; known: {known}")
        return method


def read_catalogue(root: Path = ROOT) -> Catalogue:
    """Read all method files under `root` (the `workers` folder); MethodError for the first that breaks the form."""
    methods: dict[str, Method] = {}
    for kind in KINDS.values():
        for path in method_files(root, kind):
            method = read_method(path, kind)
            if method.address in methods:
                raise MethodError(f"{method.address} is defined twice: {methods[method.address].path} and {path}")
            methods[method.address] = method
    return Catalogue(methods)


def method_files(root: Path, kind: Kind) -> Iterator[Path]:
    """The files of one kind that hold a method, in name order: those that define the kind's function."""
    for path in sorted((root / kind.name).rglob("*.py")):
        if path.name != "__init__.py" and f"\ndef {kind.function}(" in path.read_text():
            yield path
