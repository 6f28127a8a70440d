"""The catalogue of methods as the web side sees it: read from their files as text, never imported, with its digest."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

from workers.contract.catalogue import ROOT, Catalogue, read_catalogue
from workers.contract.kinds import KINDS
from workers.contract.method import Method

TESTS = ROOT.parent / "tests" / "workers"
WORKER_DIGEST = "merit:worker:digest"  # key in the cache under which a worker says which catalogue it has


@dataclass(frozen=True)
class Check:
    """One test of a method: its name in words, and what its docstring says of it."""

    name: str
    words: str


def catalogue() -> Catalogue:
    """All methods. Read once; with DEBUG on, read again as soon as a method file was changed, added or removed."""
    return _read(_stamp(ROOT) if settings.DEBUG else ())


@lru_cache(maxsize=1)
def _read(stamp: tuple[tuple[str, int], ...]) -> Catalogue:
    return read_catalogue(ROOT)


def _stamp(root: Path) -> tuple[tuple[str, int], ...]:
    """Every file of the kinds' folders with the time of its last change in nanoseconds."""
    files = (path for kind in KINDS for path in sorted((root / kind).rglob("*.py")))
    return tuple((str(path), path.stat().st_mtime_ns) for path in files)


def worker_differs() -> str | None:
    """The digest of the worker's catalogue when it is not ours; None when they agree or no worker has said so yet."""
    theirs = cache.get(WORKER_DIGEST)
    return theirs if isinstance(theirs, str) and theirs != catalogue().digest else None


def relatives(method: Method) -> list[Method]:
    """The methods that this one names as relatives, and those that name it, in the order of their titles."""
    known = catalogue().methods
    named = {address for address in method.card.relatives if address in known}
    naming = {other.address for other in known.values() if method.address in other.card.relatives}
    return sorted((known[address] for address in (named | naming) - {method.address}), key=lambda one: one.card.title)


def checks(method: Method, tests: Path = TESTS) -> list[Check]:
    """The tests of its own test file, read as text; none where the tests were not installed."""
    path = tests / method.kind / f"test_{method.name}.py"
    return [] if not path.is_file() else _checks_of(path)


def _checks_of(path: Path) -> list[Check]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            words = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
            found.append(Check(node.name.removeprefix("test_").replace("_", " "), words))
    return found
