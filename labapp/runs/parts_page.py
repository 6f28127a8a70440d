"""What the pages show of a recipe's parts, from some form data: on the new-run page and on that of an algorithm."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from labapp.runs import knobs
from labapp.runs.field_values import mapping
from labapp.runs.form_data import PARTS, PREFERENCES, ROWS, Data, address, formula_at, rows
from labapp.runs.recipe_fields import NOT_ALWAYS
from labapp.workshop.forms import ParamsForm, method_form
from labapp.workshop.formula_check import checked
from labapp.workshop.formula_examples import examples_for
from labapp.workshop.wording import quoted, text_of
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.formula import BOTH
from workers.contract.kinds import KINDS
from workers.contract.limits import Param

NONE = {
    "selection": "None: everything that was sampled is learned from.",
    "shaping": "None: rewards count as they are.",
    "extras": "",
    "regularisers": "None: nothing holds the policy near where it was.",
}


def parts_context(data: Data, catalogue: Catalogue) -> dict[str, Any]:
    """Every part of the recipe with its fields; `data` holds the texts of all fields (see `filling.refreshed`)."""
    groups = {
        part: {
            "part": part,
            "kind": KINDS[ROWS[part]],
            "none": NONE[part],
            "rows": [_row(part, row, data, catalogue) for row in rows(data, part)],
            "options": catalogue.of(ROWS[part]),
        }
        for part in NONE
    }
    return {
        "part": {name: pick_context(name, kind, data, catalogue) for name, kind in PARTS},
        "preferences": catalogue.of(PREFERENCES),
        "group": groups,
        "companions": [_companion(row, data) for row in rows(data, "companions")],
        "roles": ("critic", "guide"),
        "pool": field_rows(knobs.POOL, "pool", data),
        "pool_on": bool(data.get("pool.on")),
        "order": field_rows(knobs.ORDER, "", data),
    }


def field_rows(params: Iterable[Param], prefix: str, data: Data) -> list[dict[str, Any]]:
    """Fields with the texts of `data`, as the template draws them."""
    return ParamsForm(params, prefix, data).rows()


def pick_context(prefix: str, kind: str, data: Data, catalogue: Catalogue) -> dict[str, Any]:
    """One method at its place: which, what it does, its parameters; or the text of a formula."""
    text = data.get(f"{prefix}.name", "")
    found, name = address(kind, text)
    source = data.get(f"{prefix}.source", "")
    formula = formula_at(data, prefix, kind)
    method = None if formula else catalogue.methods.get(f"{found}/{name}")
    return {
        "prefix": prefix,
        "part": prefix.partition(".")[0],
        "kind": KINDS[found],
        "name": text,
        "formula": formula,
        "may_be_formula": kind in BOTH,
        "examples": examples_of(f"{prefix}.source", kind) if formula else [],
        "read": checked(source, kind) if formula and kind in BOTH else None,
        "source": source,
        "lines": min(12, source.count("\n") + 2),
        "given": json.dumps(mapping(data.get(f"{prefix}.given", ""))),
        "method": method,
        "purpose": "" if method is None else quoted(method.purpose),
        "digest": data.get(f"{prefix}.digest", ""),
        "optional": prefix in NOT_ALWAYS,
        "options": catalogue.of(kind),
        "rows": [] if method is None else method_form(method, f"{prefix}.params", data).rows(),
    }


def examples_of(path: str, kind: str) -> list[dict[str, str]]:
    """Formulas to start from: the title, and what a button sends that puts the text into the field of `path`."""
    return [{"title": one.title, "vals": fix_values({path: one.text})} for one in examples_for(kind)]


def _row(part: str, row: int, data: Data, catalogue: Catalogue) -> dict[str, Any]:
    made = pick_context(f"{part}.{row}", ROWS[part], data, catalogue) | {"row": row}
    return made | {"named": field_rows(knobs.EXTRA, f"{part}.{row}", data)} if part == "extras" else made


def _companion(row: int, data: Data) -> dict[str, Any]:
    prefix = f"companions.{row}"
    model = ParamsForm(knobs.COMPANION_MODEL, f"{prefix}.model", data)
    model.fields["name"].label = "model"
    role, *rest = field_rows(knobs.COMPANION, prefix, data)
    return {"prefix": prefix, "row": row, "role": role, "model": model.rows(), "rest": rest}


def trouble_rows(found: Iterable[Trouble], data: Data) -> list[dict[str, Any]]:
    """Troubles as the panel lists them: at which field, in which words, and what the button of the fix sends."""
    return [
        {"path": field_of(one.path, data), "what": one.what, "fix": fix_words(one.fix), "vals": fix_values(one.fix)}
        for one in found
    ]


def fix_values(fix: Mapping[str, Any]) -> str:
    """What the button of a fix sends, as the JSON text that HTMX takes."""
    return json.dumps({"do": "fix", "what": json.dumps(dict(fix))})


def fix_words(fix: Mapping[str, Any]) -> str:
    """A fix in words; empty where there is none."""
    return ", ".join(_one_fix(path, value) for path, value in fix.items())


def _one_fix(path: str, value: object) -> str:
    if path == "companions" and isinstance(value, list):
        return f"with a {' and a '.join(one['role'] for one in value)}" if value else "no companion"
    if path == "pool" and isinstance(value, Mapping):
        return f"a stock of completions of {value['prompts']} prompts" if value["prompts"] else "the stored completions"
    if value is None or value == []:
        return f"no {path}"
    if isinstance(value, Mapping) and "name" in value:
        return f"{path} = {value['name']}"
    return f"{path} = {text_of(value)}"


def field_of(path: str, data: Data) -> str:
    """The form field at which a trouble of `path` is shown: the path itself, or the field that stands for it."""
    if path == "model.name":
        return f"model.{data.get('model.source', 'starter')}"
    if path == "prompts":
        return "prompts.source"
    if path.endswith((".digest", ".kind")):
        return f"{path.rpartition('.')[0]}.name"
    return f"{path}.name" if f"{path}.name" in data and path != "companions" else path
