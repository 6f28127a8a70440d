"""A run's document as the texts of its form; `fields.parse` reads them back."""

import json
from collections.abc import Iterable, Mapping

from labapp.runs import knobs
from labapp.runs.form_data import PARTS, PREFERENCES, ROWS, Data, address, renumbered, rows
from labapp.runs.modelfiles import is_directory
from labapp.workshop import treedocs
from labapp.workshop.forms import texts
from labapp.workshop.formula_examples import START
from labapp.workshop.references import CODE, TREE
from labapp.workshop.wording import text_of
from workers.contract.catalogue import Catalogue
from workers.contract.formula import OWN
from workers.contract.limits import Param
from workers.contract.modelnames import STARTERS, is_of_run
from workers.contract.resources import Lora, Served
from workers.contract.spec import Companion, Extra, Model, Pick, Pool, Prompts, RewardPick, RunSpec


def fill(spec: RunSpec, catalogue: Catalogue, experiment: str = "") -> dict[str, str]:
    """The form data that shows `spec`. Parameters that a method does not have are left out: check them before."""
    data = {"name": spec.name} | ({"experiment": experiment} if experiment else {})
    data |= _model_texts(spec.model) | _prompt_texts(spec.prompts, catalogue)
    for index, reward in enumerate(spec.rewards):
        data |= reward_texts(f"rewards.{index}", reward, catalogue)
    data |= recipe_texts(spec, catalogue) | _record_texts("", knobs.SIZES + knobs.MACHINE, spec)
    data |= _record_texts("optimiser.", knobs.OPTIMISER, spec.optimiser)
    data |= _switched("lora", knobs.LORA, spec.lora, Lora()) | _switched("served", knobs.SERVED, spec.served, Served())
    return data | _record_texts("budget.", knobs.BUDGET, spec.budget)


def recipe_texts(spec: RunSpec, catalogue: Catalogue) -> dict[str, str]:
    """The form data of the recipe, from selection to pool."""
    data = {"algorithm": spec.algorithm} | _record_texts("", knobs.ORDER, spec) | pool_texts(spec.pool)
    for prefix, kind in PARTS:
        data |= pick_texts(prefix, getattr(spec, prefix) or Pick(kind, ""), catalogue)
    for part in ("selection", "shaping", "regularisers"):
        for index, pick in enumerate(getattr(spec, part)):
            data |= pick_texts(f"{part}.{index}", pick, catalogue)
    for index, extra in enumerate(spec.extras):
        data |= _extra_texts(f"extras.{index}", extra, catalogue)
    return data | companion_texts(spec.companions)


def _extra_texts(prefix: str, extra: Extra, catalogue: Catalogue) -> dict[str, str]:
    pick = Pick("objectives", extra.name, extra.params, extra.digest, extra.source)
    return pick_texts(prefix, pick, catalogue) | {f"{prefix}.weight": text_of(extra.weight)}


def companion_texts(companions: Iterable[Companion]) -> dict[str, str]:
    """The form data of the run's further models."""
    data: dict[str, str] = {}
    for index, one in enumerate(companions):
        data |= _record_texts(f"companions.{index}.", knobs.COMPANION, one)
        data |= _record_texts(f"companions.{index}.model.", knobs.COMPANION_MODEL, one.model)
    return data


def pool_texts(pool: Pool | None) -> dict[str, str]:
    """The form data of a stock of completions; without one its fields stand at their defaults, switched off."""
    return _switched("pool", knobs.POOL, pool, Pool())


def _switched(name: str, params: Iterable[Param], record: object | None, usual: object) -> dict[str, str]:
    """The form data of a part that a run may do without: then its fields stand at their defaults, switched off."""
    there = {} if record is None else {f"{name}.on": "on"}
    return _record_texts(f"{name}.", params, record or usual) | there


def _record_texts(prefix: str, params: Iterable[Param], record: object) -> dict[str, str]:
    values = {f"{prefix}{param.name}": getattr(record, param.name) for param in params}
    return {path: text_of(value) for path, value in values.items() if value is not False}


def _model_texts(model: Model) -> dict[str, str]:
    data = {"model.revision": model.revision} | ({"model.chat": "on"} if model.chat else {})
    if model.name in STARTERS:
        return data | {"model.source": model.name}
    place = "run" if is_of_run(model.name) else "directory" if is_directory(model.name) else "hub"
    return data | {"model.source": place, f"model.{place}": model.name}


def _prompt_texts(prompts: Prompts, catalogue: Catalogue) -> dict[str, str]:
    data = _record_texts("prompts.", knobs.DATASET + knobs.STOCK, prompts)
    if prompts.dataset:
        data |= {"prompts.source": "dataset", "prompts.dataset": prompts.dataset}
    elif prompts.path:
        data |= {"prompts.source": "path", "prompts.path": prompts.path}
    else:
        data |= {"prompts.source": "task"}
    return data if prompts.task is None else data | pick_texts("prompts.task", prompts.task, catalogue)


def pick_texts(prefix: str, pick: Pick, catalogue: Catalogue) -> dict[str, str]:
    """The form data of one method at its place; of a formula, its text."""
    name = f"{PREFERENCES}/{pick.name}" if pick.kind == PREFERENCES else pick.name
    data = {f"{prefix}.name": name, f"{prefix}.shown": name, f"{prefix}.digest": pick.digest}
    if pick.source:
        return data | {f"{prefix}.source": pick.source, f"{prefix}.given": json.dumps(dict(pick.params))}
    method = catalogue.methods.get(f"{pick.kind}/{pick.name}")
    return data if method is None else data | texts(method, f"{prefix}.params", pick.params)


def reward_texts(prefix: str, reward: RewardPick, catalogue: Catalogue) -> dict[str, str]:
    """The form data of a reward at its place."""
    pick = Pick("rewards", reward.name, reward.params, reward.digest)
    data = pick_texts(prefix, pick, catalogue) | {f"{prefix}.label": reward.label}
    data |= {f"{prefix}.weight": text_of(reward.weight), f"{prefix}.on_failure": reward.on_failure}
    if reward.tree is not None:
        return data | {f"{prefix}.tree": treedocs.text_of(reward.tree)}
    if not reward.source:
        return data
    return data | {f"{prefix}.source": reward.source, f"{prefix}.given": json.dumps(dict(reward.params))}


def refreshed(posted: Data, catalogue: Catalogue, codes: Mapping[str, str]) -> dict[str, str]:
    """The data with rows renumbered, and with the defaults of every method that was exchanged since it was shown."""
    data = renumbered(posted)
    picks = [(prefix, kind) for prefix, kind in PARTS] + [("prompts.task", "tasks")]
    picks += [(f"{part}.{row}", kind) for part, kind in ROWS.items() if kind for row in rows(data, part)]
    for prefix, kind in picks:
        name = data.get(f"{prefix}.name", "")
        if data.get(f"{prefix}.shown", "") == name:
            continue
        gone = (f"{prefix}.params.", f"{prefix}.source", f"{prefix}.given", f"{prefix}.tree")
        data = {path: text for path, text in data.items() if not path.startswith(gone)}
        made = address(kind, name)
        method = catalogue.methods.get("/".join(made))
        data |= pick_texts(prefix, Pick(*made, {}, "" if method is None else method.digest), catalogue)
        if name.startswith(CODE):
            data[f"{prefix}.source"] = codes.get(name, "")
        elif name.startswith(TREE):
            data[f"{prefix}.tree"] = codes.get(name, "")
        elif name == OWN and kind in START:
            data[f"{prefix}.source"] = START[kind].text
    return data
