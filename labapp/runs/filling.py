"""A run's document as the texts of its form; `fields.parse` reads them back."""

import json
from collections.abc import Iterable, Mapping

from labapp.runs import knobs
from labapp.runs.form_data import CODE, PARTS, ROWS, Data, renumbered, rows
from labapp.runs.modelfiles import is_directory
from labapp.workshop.forms import texts
from labapp.workshop.wording import text_of
from workers.contract.catalogue import Catalogue
from workers.contract.limits import Param
from workers.contract.spec import Model, Pick, Prompts, RewardPick, RunSpec


def fill(spec: RunSpec, catalogue: Catalogue, experiment: str = "") -> dict[str, str]:
    """The form data that shows `spec`. Parameters that a method does not have are left out: check them before."""
    data = {"name": spec.name} | ({"experiment": experiment} if experiment else {})
    data |= _model_texts(spec.model) | _prompt_texts(spec.prompts, catalogue)
    for index, reward in enumerate(spec.rewards):
        data |= _reward_texts(f"rewards.{index}", reward, catalogue)
    for prefix, kind in PARTS:
        data |= _pick_texts(prefix, getattr(spec, prefix) or Pick(kind, ""), catalogue)
    for index, pick in enumerate(spec.regularisers):
        data |= _pick_texts(f"regularisers.{index}", pick, catalogue)
    data |= _record_texts("", knobs.SIZES + knobs.MACHINE, spec)
    data |= _record_texts("optimiser.", knobs.OPTIMISER, spec.optimiser)
    return data | _record_texts("budget.", knobs.BUDGET, spec.budget)


def _record_texts(prefix: str, params: Iterable[Param], record: object) -> dict[str, str]:
    return {f"{prefix}{param.name}": text_of(getattr(record, param.name)) for param in params}


def _model_texts(model: Model) -> dict[str, str]:
    data = {"model.revision": model.revision} | ({"model.chat": "on"} if model.chat else {})
    if model.name == "starter":
        return data | {"model.source": "starter"}
    place = "directory" if is_directory(model.name) else "hub"
    return data | {"model.source": place, f"model.{place}": model.name}


def _prompt_texts(prompts: Prompts, catalogue: Catalogue) -> dict[str, str]:
    data = {"prompts.heldout_share": text_of(prompts.heldout_share)}
    if prompts.dataset:
        data |= {"prompts.source": "dataset", "prompts.dataset": prompts.dataset}
    elif prompts.path:
        data |= {"prompts.source": "path", "prompts.path": prompts.path}
    else:
        data |= {"prompts.source": "task"}
    return data if prompts.task is None else data | _pick_texts("prompts.task", prompts.task, catalogue)


def _pick_texts(prefix: str, pick: Pick, catalogue: Catalogue) -> dict[str, str]:
    data = {f"{prefix}.name": pick.name, f"{prefix}.shown": pick.name, f"{prefix}.digest": pick.digest}
    method = catalogue.methods.get(f"{pick.kind}/{pick.name}")
    return data if method is None else data | texts(method, f"{prefix}.params", pick.params)


def _reward_texts(prefix: str, reward: RewardPick, catalogue: Catalogue) -> dict[str, str]:
    pick = Pick("rewards", reward.name, reward.params, reward.digest)
    data = _pick_texts(prefix, pick, catalogue) | {f"{prefix}.label": reward.label}
    data[f"{prefix}.weight"] = text_of(reward.weight)
    if not reward.source:
        return data
    return data | {f"{prefix}.source": reward.source, f"{prefix}.given": json.dumps(dict(reward.params))}


def refreshed(posted: Data, catalogue: Catalogue, codes: Mapping[str, str]) -> dict[str, str]:
    """The data with rows renumbered, and with the defaults of every method that was exchanged since it was shown."""
    data = renumbered(posted)
    picks = [(prefix, kind) for prefix, kind in PARTS] + [("prompts.task", "tasks")]
    picks += [(f"{part}.{row}", part) for part in ROWS for row in rows(data, part)]
    for prefix, kind in picks:
        name = data.get(f"{prefix}.name", "")
        if data.get(f"{prefix}.shown", "") == name:
            continue
        data = {
            path: text for path, text in data.items() if not path.startswith((f"{prefix}.params.", f"{prefix}.source"))
        }
        method = catalogue.methods.get(f"{kind}/{name}")
        data |= _pick_texts(prefix, Pick(kind, name, {}, "" if method is None else method.digest), catalogue)
        if name.startswith(CODE):
            data[f"{prefix}.source"] = codes.get(name, "")
    return data
