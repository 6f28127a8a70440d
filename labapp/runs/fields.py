"""The run that the fields of its form describe; `filling.fill` writes a spec as the flat texts that `parse` reads.

Fields are named by their path in the document (`rewards.0.params.target`). Beside those stand a few that only the
form has: where model and prompts come from, and `<pick>.shown`, the method whose parameters the form is showing:
when the name was changed since, its parameters start at their defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labapp.runs import knobs
from labapp.runs.field_values import Wrong, mapping, pick
from labapp.runs.form_data import Data, renumbered, rows
from labapp.runs.recipe_fields import recipe_parts
from labapp.runs.tree_rows import tree_of
from labapp.workshop.references import CODE, TREE
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.modelnames import STARTERS
from workers.contract.resources import Lora, Served
from workers.contract.spec import Budget, Model, Optimiser, Prompts, RewardPick, RunSpec


@dataclass(frozen=True)
class Draft:
    """What the form says: a spec (defaults stand where a text is no value), its experiment, and the wrong fields."""

    spec: RunSpec
    experiment: str
    wrong: list[Trouble] = field(default_factory=list)


def parse(posted: Data, catalogue: Catalogue, codes: Mapping[str, str]) -> Draft:
    """The spec that the form's texts describe. `codes` maps names of the team's saved rewards to their texts."""
    data, wrong = renumbered(posted), Wrong()
    head = wrong.values(knobs.HEAD, "", data)
    spec = RunSpec(
        name=head["name"] or "",
        model=_model(data, wrong),
        prompts=_prompts(data, catalogue, wrong),
        rewards=tuple(_reward(f"rewards.{row}", data, catalogue, codes, wrong) for row in rows(data, "rewards")),
        **recipe_parts(data, catalogue, wrong),
        lora=Lora(**wrong.values(knobs.LORA, "lora", data)) if data.get("lora.on") else None,
        served=Served(**wrong.values(knobs.SERVED, "served", data)) if data.get("served.on") else None,
        **wrong.values(knobs.SIZES + knobs.MACHINE, "", data),
        optimiser=Optimiser(**wrong.values(knobs.OPTIMISER, "optimiser", data)),
        budget=Budget(**wrong.values(knobs.BUDGET, "budget", data)),
    )
    return Draft(spec, head["experiment"] or "", wrong.found)


def _model(data: Data, wrong: Wrong) -> Model:
    place = data.get("model.source", "starter")
    name = place if place in STARTERS else data.get(f"model.{place}", "").strip()
    if not name:
        words = {
            "hub": "give the model's id on the hub, such as Qwen/Qwen2.5-0.5B",
            "run": "choose a run that has a checkpoint",
        }
        wrong.found.append(
            Trouble("model.name", words.get(place, "give the model's directory on the worker's machine"))
        )
    return Model(name, **wrong.values(knobs.MODEL, "model", data))


def _prompts(data: Data, catalogue: Catalogue, wrong: Wrong) -> Prompts:
    share = wrong.values(knobs.DATASET + knobs.STOCK, "prompts", data)
    place = data.get("prompts.source", "task")
    if place == "dataset":
        if not data.get("prompts.dataset"):
            wrong.found.append(Trouble("prompts.dataset", "choose a set, or upload one under Data"))
        return Prompts(dataset=data.get("prompts.dataset", ""), **share)
    if place == "path":
        return Prompts(path=data.get("prompts.path", ""), **share)
    return Prompts(task=pick("prompts.task", "tasks", data, catalogue, wrong), **share)


def _reward(prefix: str, data: Data, catalogue: Catalogue, codes: Mapping[str, str], wrong: Wrong) -> RewardPick:
    said = wrong.values(knobs.REWARD, prefix, data)
    named: dict[str, Any] = {"label": said["label"] or "", "weight": 1.0 if said["weight"] is None else said["weight"]}
    named |= wrong.values(knobs.FAILURE, prefix, data)
    name = data.get(f"{prefix}.name", "")
    if name.startswith(TREE) or data.get(f"{prefix}.tree"):
        return RewardPick(name=name, tree=tree_of(prefix, name, data, codes, wrong), **named)
    if name.startswith(CODE):
        if data.get(f"{prefix}.shown") != name:
            return RewardPick(name=name, source=codes.get(name, ""), **named)
        source = data.get(f"{prefix}.source", "").replace("\r\n", "\n") or codes.get(name, "")
        given, digest = mapping(data.get(f"{prefix}.given", "")), data.get(f"{prefix}.digest", "")
        return RewardPick(name=name, params=given, digest=digest, source=source, **named)
    one = pick(prefix, "rewards", data, catalogue, wrong)
    return RewardPick(name=name, params=one.params, digest=one.digest, **named)
