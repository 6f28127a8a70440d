"""A run as the fields of its form, and back: `fill` writes a spec as flat texts, `parse` reads them.

Fields are named by their path in the document (`rewards.0.params.target`). Beside those stand a few that only the
form has: where model and prompts come from, and `<pick>.shown`, the method whose parameters the form is showing:
when the name was changed since, its parameters start at their defaults.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labapp.runs import knobs
from labapp.workshop.forms import ParamsForm, differing, method_form, text_of, texts
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.limits import Param
from workers.contract.spec import Budget, Model, Optimiser, Pick, Prompts, RewardPick, RunSpec

Data = Mapping[str, str]
ROWS = ("rewards", "regularisers")
CODE = "code:"
PARTS = (("credit", "credit"), ("objective", "objectives"), ("reduction", "reductions"))
_ROW = re.compile(rf"^({'|'.join(ROWS)})\.(\d{{1,4}})\.(.+)$")


@dataclass(frozen=True)
class Draft:
    """What the form says: a spec (defaults stand where a text is no value), its experiment, and the wrong fields."""

    spec: RunSpec
    experiment: str
    wrong: list[Trouble] = field(default_factory=list)


def fill(spec: RunSpec, catalogue: Catalogue, experiment: str = "") -> dict[str, str]:
    """The form data that shows `spec`. Parameters that a method does not have are left out: check them before."""
    data = {"name": spec.name} | ({"experiment": experiment} if experiment else {})
    data |= _model_texts(spec.model) | _prompt_texts(spec.prompts, catalogue)
    for index, reward in enumerate(spec.rewards):
        data |= _reward_texts(f"rewards.{index}", reward, catalogue)
    for prefix, _ in PARTS:
        data |= _pick_texts(prefix, getattr(spec, prefix), catalogue)
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


def is_directory(name: str) -> bool:
    """Whether a model's name is a local directory rather than an id on the hub (which has at most one slash)."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or name.endswith("/")


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


def rows(data: Data, part: str) -> list[int]:
    """The numbers of the rows of `rewards` or `regularisers`, in order."""
    found = (_ROW.match(name) for name in data)
    return sorted({int(match[2]) for match in found if match and match[1] == part and match[3] == "name"})


def renumbered(data: Data, without: tuple[str, int] | None = None) -> dict[str, str]:
    """The same data with rows numbered 0, 1, 2, …; `without` leaves one row of one part out."""
    places = {
        (part, row): place
        for part in ROWS
        for place, row in enumerate(row for row in rows(data, part) if (part, row) != without)
    }
    made = {}
    for name, text in data.items():
        match = _ROW.match(name)
        if match is None:
            made[name] = text
        elif (match[1], int(match[2])) in places:
            made[f"{match[1]}.{places[match[1], int(match[2])]}.{match[3]}"] = text
    return made


def with_row(data: Data, part: str, name: str, label: str = "") -> dict[str, str]:
    """The data with one more row of `rewards` or `regularisers`, its parameters at their defaults."""
    made = renumbered(data)
    prefix = f"{part}.{len(rows(made, part))}"
    made[f"{prefix}.name"] = name
    if part == "rewards":
        taken = {made.get(f"rewards.{row}.label") for row in rows(made, part)}
        plain = label or name
        made[f"{prefix}.label"] = next(one for one in _numbered(plain) if one not in taken)
        made[f"{prefix}.weight"] = "1.0"
    return made


def _numbered(label: str) -> Iterable[str]:
    yield label
    number = 2
    while True:
        yield f"{label} {number}"
        number += 1


def with_values(data: Data, values: Mapping[str, Any]) -> dict[str, str]:
    """The data with the fields of a trouble's fix set; a tick box that goes off is left out."""
    made = dict(data)
    for path, value in values.items():
        if value is False:
            made.pop(path, None)
        else:
            made[path] = text_of(value)
    return made


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
