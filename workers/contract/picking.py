"""What is wrong with one picked method: its kind, its name, its digest, its parameters."""

from collections.abc import Iterator

from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.formula import BOTH as FORMULA_KINDS
from workers.contract.formula import OWN, FormulaError, as_method, parse
from workers.contract.limits import is_schedule, problem_with
from workers.contract.method import Method, MethodError
from workers.contract.spec import Pick

# What a run is about; the recipe, which says how it learns, may change on the way.
UNSCHEDULED = ("rewards", "tasks")


def method_of(pick: Pick, kind: str, catalogue: Catalogue) -> Method | None:
    """The method that a pick names, or that its formula is; None where there is none or the formula cannot be read."""
    if not pick.source:
        return catalogue.methods.get(f"{kind}/{pick.name}")
    try:
        return as_method(parse(pick.source, kind), pick.name)
    except FormulaError:
        return None


def _formula_troubles(path: str, pick: Pick) -> Iterator[Trouble]:
    if pick.kind not in FORMULA_KINDS:
        yield Trouble(f"{path}.source", f"no formula can stand in the place of {pick.kind}")
        return
    try:
        parse(pick.source, pick.kind)
    except FormulaError as error:
        yield Trouble(f"{path}.source", str(error))


def pick_troubles(path: str, pick: Pick, kind: str, catalogue: Catalogue) -> Iterator[Trouble]:
    """What is wrong with one picked method: kind, name, digest, parameters; `path` is its field in the document."""
    if pick.kind != kind:
        yield Trouble(f"{path}.kind", f"must be {kind!r}, not {pick.kind!r}", {f"{path}.kind": kind})
        return
    if pick.source or (pick.name == OWN and kind in FORMULA_KINDS):
        yield from _formula_troubles(path, pick)
        return
    try:
        method = catalogue.get(pick.kind, pick.name)
    except MethodError as error:
        yield Trouble(f"{path}.name", str(error))
        return
    if pick.digest and pick.digest != method.digest:
        what = f"{method.address} has changed since this document was written ({pick.digest} then, {method.digest} now)"
        yield Trouble(f"{path}.digest", what, {f"{path}.digest": method.digest})
    params = {param.name: param for param in method.params}
    for name, value in pick.params.items():
        if name not in params:
            yield Trouble(f"{path}.params.{name}", f"unknown; {method.name} has: {', '.join(params) or 'none'}")
            continue
        what_is_wrong = problem_with(params[name], value)
        if what_is_wrong is None and is_schedule(value) and kind in UNSCHEDULED:
            what_is_wrong = f"{name} is the same at every step: only parts of the recipe follow a schedule"
        if what_is_wrong is not None:
            yield Trouble(f"{path}.params.{name}", what_is_wrong, {f"{path}.params.{name}": params[name].default})
