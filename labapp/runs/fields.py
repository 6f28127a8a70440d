"""The run that the fields of its form describe; `filling.fill` writes a spec as the flat texts that `parse` reads.

Fields are named by their path in the document (`rewards.0.params.target`). Beside those stand a few that only the
form has: where model and prompts come from, and `<pick>.shown`, the method whose parameters the form is showing:
when the name was changed since, its parameters start at their defaults.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labapp.runs import knobs
from labapp.runs.form_data import CODE, PARTS, Data, renumbered, rows
from labapp.workshop.forms import ParamsForm, differing, method_form
from labapp.workshop.wording import text_of
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import Param
from workers.contract.spec import Budget, Model, Optimiser, Pick, Prompts, RewardPick, RunSpec


@dataclass(frozen=True)
class Draft:
    """What the form says: a spec (defaults stand where a text is no value), its experiment, and the wrong fields."""

    spec: RunSpec
    experiment: str
    wrong: list[Trouble] = field(default_factory=list)


def parse(posted: Data, catalogue: Catalogue, codes: Mapping[str, str]) -> Draft:
    """The spec that the form's texts describe. `codes` maps `code:<id>@<version>` to the team's saved texts."""
    data, wrong = renumbered(posted), _Wrong()
    head = wrong.values(knobs.HEAD, "", data)
    parts: dict[str, Any] = {name: _pick(name, kind, data, catalogue, wrong) for name, kind in PARTS}
    spec = RunSpec(
        name=head["name"] or "",
        model=_model(data, wrong),
        prompts=_prompts(data, catalogue, wrong),
        rewards=tuple(_reward(f"rewards.{row}", data, catalogue, codes, wrong) for row in rows(data, "rewards")),
        regularisers=tuple(
            _pick(f"regularisers.{row}", "regularisers", data, catalogue, wrong) for row in rows(data, "regularisers")
        ),
        **parts,
        **wrong.values(knobs.SIZES + knobs.MACHINE, "", data),
        optimiser=Optimiser(**wrong.values(knobs.OPTIMISER, "optimiser", data)),
        budget=Budget(**wrong.values(knobs.BUDGET, "budget", data)),
    )
    return Draft(spec, head["experiment"] or "", wrong.found)


class _Wrong:
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


def _model(data: Data, wrong: _Wrong) -> Model:
    place = data.get("model.source", "starter")
    name = "starter" if place == "starter" else data.get(f"model.{place}", "").strip()
    if not name:
        words = {"hub": "give the model's id on the hub, such as Qwen/Qwen2.5-0.5B"}
        wrong.found.append(
            Trouble("model.name", words.get(place, "give the model's directory on the worker's machine"))
        )
    return Model(name, **wrong.values(knobs.MODEL, "model", data))


def _prompts(data: Data, catalogue: Catalogue, wrong: _Wrong) -> Prompts:
    share = wrong.values(knobs.DATASET, "prompts", data)
    place = data.get("prompts.source", "task")
    if place == "dataset":
        if not data.get("prompts.dataset"):
            wrong.found.append(Trouble("prompts.dataset", "choose a prompt set, or upload one under Data"))
        return Prompts(dataset=data.get("prompts.dataset", ""), **share)
    if place == "path":
        return Prompts(path=data.get("prompts.path", ""), **share)
    return Prompts(task=_pick("prompts.task", "tasks", data, catalogue, wrong), **share)


def _pick(prefix: str, kind: str, data: Data, catalogue: Catalogue, wrong: _Wrong) -> Pick:
    name = data.get(f"{prefix}.name", "")
    method = catalogue.methods.get(f"{kind}/{name}")
    if method is None:
        return Pick(kind, name)
    if data.get(f"{prefix}.shown") != name:
        return Pick(kind, name, {}, method.digest)
    values = wrong.take(method.params, method_form(method, f"{prefix}.params", data))
    return Pick(kind, name, differing(method, values), data.get(f"{prefix}.digest", ""))


def _reward(prefix: str, data: Data, catalogue: Catalogue, codes: Mapping[str, str], wrong: _Wrong) -> RewardPick:
    said = wrong.values(knobs.REWARD, prefix, data)
    named: dict[str, Any] = {"label": said["label"] or "", "weight": 1.0 if said["weight"] is None else said["weight"]}
    name = data.get(f"{prefix}.name", "")
    if name.startswith(CODE):
        if data.get(f"{prefix}.shown") != name:
            return RewardPick(name=name, source=codes.get(name, ""), **named)
        source = data.get(f"{prefix}.source", "").replace("\r\n", "\n") or codes.get(name, "")
        given, digest = _mapping(data.get(f"{prefix}.given", "")), data.get(f"{prefix}.digest", "")
        return RewardPick(name=name, params=given, digest=digest, source=source, **named)
    pick = _pick(prefix, "rewards", data, catalogue, wrong)
    return RewardPick(name=name, params=pick.params, digest=pick.digest, **named)


def _mapping(text: str) -> dict[str, Any]:
    """What a document gave a code reward beside its text, kept by the form as it was."""
    try:
        made = json.loads(text or "{}")
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}
