"""The methods of one run, loaded and with their parameters: the engine calls parts and never names a method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract.errors import RunError
from workers.contract.method import MethodError
from workers.contract.spec import Pick, RunSpec
from workers.engine import load
from workers.engine.boundary import boundary


@dataclass(frozen=True)
class Part:
    """One method with the parameters that were set."""

    loaded: load.Loaded
    params: Mapping[str, Any]

    @property
    def address(self) -> str:
        """`kind/name`, for messages and memory."""
        return self.loaded.method.address

    def asks(self, name: str) -> bool:
        """Whether it names this data argument."""
        return self.loaded.needs(name)

    def __call__(self, **supplied: object) -> Any:
        """Its result on those of `supplied` that it names; a ValueError becomes a RunError that names the method."""
        kind = self.loaded.method.kind
        where = {"rewards": "reward", "credit": "credit", "tasks": "data"}.get(kind, "objective")
        with boundary(where, self.address):
            return load.call(self.loaded, supplied, self.params)


@dataclass(frozen=True)
class Recipe:
    """How rewards become a change of the policy."""

    credit: Part
    objective: Part
    regularisers: tuple[Part, ...]
    reduction: Part

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return (self.credit, self.objective, *self.regularisers, self.reduction)

    def asks(self, name: str) -> bool:
        """Whether any part names this data argument."""
        return any(part.asks(name) for part in self.parts)


def make_part(pick: Pick) -> Part:
    """A picked method, imported; RunError at `spec` when there is none of that name or a parameter is wrong."""
    try:
        loaded = load.load(pick.kind, pick.name)
        load.settings(loaded.method, pick.params)
    except (MethodError, ValueError) as error:
        raise RunError("spec", str(error), "Choose another method or mend the parameter.") from error
    if pick.digest and pick.digest != loaded.method.digest:
        what = f"{loaded.method.address} has changed since this run was written down."
        mend = "Clone the run to take the method as it is now."
        raise RunError("spec", what, mend, {"then": pick.digest, "now": loaded.method.digest})
    return Part(loaded, pick.params)


def make_recipe(spec: RunSpec) -> Recipe:
    """The parts of a run."""
    return Recipe(
        make_part(spec.credit),
        make_part(spec.objective),
        tuple(make_part(pick) for pick in spec.regularisers),
        make_part(spec.reduction),
    )
