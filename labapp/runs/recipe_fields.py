"""The recipe that the fields of a form describe: shared by the new-run page and the page of an algorithm."""

from typing import Any

from labapp.runs import knobs
from labapp.runs.field_values import Wrong, pick
from labapp.runs.form_data import PARTS, Data, rows
from workers.contract.catalogue import Catalogue
from workers.contract.spec import Companion, Extra, Model, Pick, Pool

NOT_ALWAYS = ("credit", "weighting")  # parts that a recipe may do without


def recipe_parts(data: Data, catalogue: Catalogue, wrong: Wrong) -> dict[str, Any]:
    """The recipe's fields of a RunSpec, from selection to pool."""
    made: dict[str, Any] = {}
    for name, kind in PARTS:
        one = pick(name, kind, data, catalogue, wrong)
        made[name] = None if name in NOT_ALWAYS and not one.name else one
    for part in ("selection", "shaping", "regularisers"):
        made[part] = tuple(pick(f"{part}.{row}", part, data, catalogue, wrong) for row in rows(data, part))
    made["extras"] = tuple(_extra(f"extras.{row}", data, catalogue, wrong) for row in rows(data, "extras"))
    made["companions"] = tuple(_companion(f"companions.{row}", data, wrong) for row in rows(data, "companions"))
    made["pool"] = Pool(**wrong.values(knobs.POOL, "pool", data)) if data.get("pool.on") else None
    made["algorithm"] = data.get("algorithm", "")
    return made | wrong.values(knobs.ORDER, "", data)


def _extra(prefix: str, data: Data, catalogue: Catalogue, wrong: Wrong) -> Extra:
    one: Pick = pick(prefix, "objectives", data, catalogue, wrong)
    weight = wrong.values(knobs.EXTRA, prefix, data)["weight"]
    return Extra(one.name, one.params, weight, one.digest, one.source)


def _companion(prefix: str, data: Data, wrong: Wrong) -> Companion:
    said = wrong.values(knobs.COMPANION, prefix, data)
    model = Model(**wrong.values(knobs.COMPANION_MODEL, f"{prefix}.model", data))
    return Companion(**(said | {"role": said["role"] or "", "model": model}))
