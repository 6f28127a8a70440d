"""Values read from the texts of a form, with the fields whose text is none."""

import json
from collections.abc import Iterable
from typing import Any

from labapp.runs.form_data import Data, address, formula_at
from labapp.workshop.forms import ParamsForm, differing, method_form
from labapp.workshop.wording import text_of
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import Param
from workers.contract.spec import Pick


class Wrong:
    """Collects the fields whose text is no value, while the values are read."""

    def __init__(self) -> None:
        self.found: list[Trouble] = []

    def values(self, params: Iterable[Param], prefix: str, data: Data) -> dict[str, Any]:
        """The values of `params` under `prefix`; a field that the form did not have at all keeps its default."""
        params = tuple(params)
        form = ParamsForm(params, prefix)
        shown = {form.add_prefix(one.name): text_of(one.default) for one in params if one.default is not None}
        absent = {path: text for path, text in shown.items() if path not in data}
        return self.take(params, ParamsForm(params, prefix, absent | dict(data)))

    def take(self, params: Iterable[Param], form: ParamsForm) -> dict[str, Any]:
        """The values of a bound form, its errors noted with a way back to the default."""
        values, errors = form.values()
        defaults = {form.add_prefix(param.name): param.default for param in params}
        for path, what in errors.items():
            self.found.append(Trouble(path, what, {} if defaults[path] is None else {path: defaults[path]}))
        return values


def pick(prefix: str, kind: str, data: Data, catalogue: Catalogue, wrong: Wrong) -> Pick:
    """The method chosen at `prefix`, with what differs from its defaults; a formula with its text."""
    text = data.get(f"{prefix}.name", "")
    kept, digest = data.get(f"{prefix}.shown") == text, data.get(f"{prefix}.digest", "")
    formula = formula_at(data, prefix, kind)
    kind, name = address(kind, text)
    if formula:
        source = data.get(f"{prefix}.source", "").replace("\r\n", "\n")
        return Pick(kind, name, mapping(data.get(f"{prefix}.given", "")), digest, source)
    method = catalogue.methods.get(f"{kind}/{name}")
    if method is None:
        return Pick(kind, name)
    if not kept:
        return Pick(kind, name, {}, method.digest)
    values = wrong.take(method.params, method_form(method, f"{prefix}.params", data))
    return Pick(kind, name, differing(method, values), digest)


def mapping(text: str) -> dict[str, Any]:
    """What a document gave a text of users beside it, kept by the form as it was."""
    try:
        made = json.loads(text or "{}")
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}
