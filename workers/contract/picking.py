"""What is wrong with one picked method: its kind, its name, its digest, its parameters."""

from collections.abc import Iterator

from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import problem_with
from workers.contract.method import MethodError
from workers.contract.spec import Pick


def pick_troubles(path: str, pick: Pick, kind: str, catalogue: Catalogue) -> Iterator[Trouble]:
    """What is wrong with one picked method: kind, name, digest, parameters; `path` is its field in the document."""
    if pick.kind != kind:
        yield Trouble(f"{path}.kind", f"must be {kind!r}, not {pick.kind!r}", {f"{path}.kind": kind})
        return
    if pick.source:
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
        if what_is_wrong is not None:
            yield Trouble(f"{path}.params.{name}", what_is_wrong, {f"{path}.params.{name}": params[name].default})
