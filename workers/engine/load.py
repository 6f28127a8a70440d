"""The only way from the engine to a method: by kind and name, from the catalogue, imported by path."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from workers.contract.catalogue import ROOT, Catalogue, read_catalogue
from workers.contract.kinds import KINDS
from workers.contract.limits import problem_with
from workers.contract.method import Method


@dataclass(frozen=True)
class Loaded:
    """A method ready to be called: what its file says, its module (for a task's `verify`), and its function."""

    method: Method
    module: ModuleType
    function: Callable[..., Any]

    @property
    def bounds(self) -> tuple[float, float]:
        """The declared range of a reward's values; infinite where none is declared."""
        declared = self.method.card.bounds
        return (float("-inf"), float("inf")) if declared is None else declared

    def needs(self, name: str) -> bool:
        """Whether the method asks for this data argument."""
        return name in self.method.needs


def load(kind: str, name: str, catalogue: Catalogue | None = None) -> Loaded:
    """Import one method; MethodError lists the names there are when it is unknown."""
    method = (catalogue or _read_once()).get(kind, name)
    module = _module(method)
    return Loaded(method, module, getattr(module, KINDS[kind].function))


def settings(method: Method, params: Mapping[str, object]) -> dict[str, object]:
    """All of a method's parameters: the defaults, and over them what was set.

    ValueError names the parameter that is unknown, missing or out of its limits, and what it may be.
    """
    known = {param.name: param for param in method.params}
    unknown = [name for name in params if name not in known]
    if unknown:
        raise ValueError(f"{method.address} has no parameter {unknown[0]!r}; it has: {', '.join(known) or 'none'}")
    chosen = method.defaults() | dict(params)
    for name, value in chosen.items():
        problem = problem_with(known[name], value)
        if problem is not None:
            raise ValueError(f"{method.address}: {problem}")
    return chosen


def call(loaded: Loaded, supplied: Mapping[str, object], params: Mapping[str, object]) -> Any:
    """The method's result on those of `supplied` that it names, with `params` over its defaults.

    ValueError as in `settings`. A data argument that was not supplied is the engine's mistake: AssertionError.
    """
    missing = [name for name in loaded.method.needs if name not in supplied]
    assert not missing, f"{loaded.method.address} asks for {', '.join(missing)}, which nothing supplied"
    data = {name: supplied[name] for name in loaded.method.needs}
    return loaded.function(**data, **settings(loaded.method, params))


@cache
def _read_once() -> Catalogue:
    return read_catalogue()


def _module(method: Method) -> ModuleType:
    """The method's module, imported under the name that its path gives it (`workers.credit.grpo`).

    A file outside the project's tree (another catalogue's) is imported from where it lies, each time anew.
    """
    if method.path.is_relative_to(ROOT):
        parts = method.path.relative_to(ROOT).with_suffix("").parts
        return importlib.import_module(".".join(("workers", *parts)))
    found = importlib.util.spec_from_file_location(method.name, method.path)
    assert found is not None, f"{method.path} is no Python file"
    assert found.loader is not None, f"{method.path} has no loader"
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
