"""The methods of one run, loaded and with their parameters: the engine calls parts and never names a method."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workers.contract.errors import RunError
from workers.contract.formula import FormulaError, parse
from workers.contract.limits import at, is_schedule
from workers.contract.method import MethodError
from workers.contract.spec import Pick, RunSpec
from workers.engine import load
from workers.engine.boundary import boundary
from workers.engine.formula import make_formula

# The stage of a selection is what it asks for: prompts before sampling, candidates before credit, credited after it.
STAGES = ("prompts", "candidates", "credited")
WHERE = {
    "rewards": "reward", "combining": "reward", "shaping": "reward", "credit": "credit", "weighting": "credit",
    "tasks": "data",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One method with the parameters that were set, and its weight where several losses are summed."""

    loaded: load.Loaded
    params: Mapping[str, Any]
    weight: float = 1.0

    @property
    def address(self) -> str:
        """`kind/name`, for messages and memory."""
        return self.loaded.method.address

    def asks(self, name: str) -> bool:
        """Whether it names this data argument."""
        return self.loaded.needs(name)

    def at(self, share: float) -> "Part":
        """The same part with its schedules resolved, when `share` of the run's steps is done."""
        if not any(is_schedule(value) for value in self.params.values()):
            return self
        return replace(self, params={name: at(value, share) for name, value in self.params.items()})

    def __call__(self, **supplied: object) -> Any:
        """Its result on those of `supplied` that it names; a ValueError becomes a RunError that names the method."""
        with boundary(WHERE.get(self.loaded.method.kind, "objective"), self.address):
            return load.call(self.loaded, supplied, self.params)


@dataclass(frozen=True)
class Recipe:
    """How rewards become a change of the policy; `objective` may be a preference loss."""

    objective: Part
    reduction: Part
    credit: Part | None = None
    extras: tuple[Part, ...] = ()
    regularisers: tuple[Part, ...] = ()
    shaping: tuple[Part, ...] = ()
    selection: tuple[Part, ...] = ()
    weighting: Part | None = None
    credit_first: bool = False

    @property
    def losses(self) -> tuple[Part, ...]:
        """Everything whose losses are summed."""
        return (self.objective, *self.extras, *self.regularisers)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        single = tuple(part for part in (self.credit, self.weighting) if part is not None)
        return (*self.selection, *self.shaping, *single, *self.losses, self.reduction)

    def asks(self, name: str) -> bool:
        """Whether any part names this data argument."""
        return any(part.asks(name) for part in self.parts)

    def selects(self, stage: str) -> tuple[Part, ...]:
        """The selections that work at one of `STAGES`."""
        return tuple(part for part in self.selection if part.asks(stage))

    def at(self, share: float) -> "Recipe":
        """The recipe with every schedule resolved, when `share` of the run's steps is done."""

        def each(parts: tuple[Part, ...]) -> tuple[Part, ...]:
            return tuple(part.at(share) for part in parts)

        return Recipe(
            self.objective.at(share),
            self.reduction.at(share),
            None if self.credit is None else self.credit.at(share),
            each(self.extras),
            each(self.regularisers),
            each(self.shaping),
            each(self.selection),
            None if self.weighting is None else self.weighting.at(share),
            self.credit_first,
        )


def make_part(pick: Pick, weight: float = 1.0) -> Part:
    """A picked method, imported, or a formula; RunError at `spec` when there is none of that name or something in it
    is wrong."""
    if pick.source:
        return _formula(pick, weight)
    try:
        loaded = load.load(pick.kind, pick.name)
        load.settings(loaded.method, pick.params)
    except (MethodError, ValueError) as error:
        raise RunError("spec", str(error), "Choose another method or mend the parameter.") from error
    if pick.digest and pick.digest != loaded.method.digest:
        what = f"{loaded.method.address} has changed since this run was written down."
        mend = "Clone the run to take the method as it is now."
        raise RunError("spec", what, mend, {"then": pick.digest, "now": loaded.method.digest})
    return Part(loaded, pick.params, weight)


def _formula(pick: Pick, weight: float) -> Part:
    try:
        return Part(make_formula(parse(pick.source, pick.kind), pick.name), {}, weight)
    except FormulaError as error:
        raise RunError("spec", f"the formula {pick.name!r} cannot be read: {error}", "Mend it.") from error


def make_recipe(spec: RunSpec) -> Recipe:
    """The parts of a run."""
    return Recipe(
        make_part(spec.objective),
        make_part(spec.reduction),
        None if spec.credit is None else make_part(spec.credit),
        tuple(make_part(Pick("objectives", e.name, e.params, e.digest, e.source), e.weight) for e in spec.extras),
        tuple(map(make_part, spec.regularisers)),
        tuple(map(make_part, spec.shaping)),
        tuple(map(make_part, spec.selection)),
        None if spec.weighting is None else make_part(spec.weighting),
        spec.order == "credit first",
    )
