"""What the new-run page shows for some form data: its sections, and the panel of checks, formula and document."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import data_choices, knobs, memory, model_choices, prechecks
from labapp.runs.digests import with_digests
from labapp.runs.fields import Draft, parse
from labapp.runs.form_data import Data, rows
from labapp.runs.formulas import formulas
from labapp.runs.guided import WORDS, guided
from labapp.runs.model_checks import model_facts
from labapp.runs.parts_page import field_rows, fix_values, parts_context, pick_context, trouble_rows
from labapp.runs.tree_rows import tree_context
from labapp.workshop import algorithms
from labapp.workshop.models import RewardVersion
from labapp.workshop.references import CODE
from labapp.workshop.saved import words_of
from workers import documents
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble


def form_context(data: Data, team: Team, saved: Mapping[str, RewardVersion]) -> dict[str, Any]:
    """Everything that the form's template needs; `data` holds the texts of all fields (see `filling.refreshed`)."""
    catalogue = shelf.catalogue()
    return {
        "data": {name.replace(".", "_"): text for name, text in data.items()},
        "head": field_rows(knobs.HEAD, "", data),
        "model": field_rows(knobs.MODEL, "model", data),
        "model_runs": model_choices.choices(team, data.get("model.run", "")),
        "task": pick_context("prompts.task", "tasks", data, catalogue),
        "datasets": data_choices.data_sets(team, data),
        "reads_file": data_choices.reads_file(data),
        "stock": field_rows(knobs.STOCK, "prompts", data),
        "heldout": field_rows(knobs.DATASET, "prompts", data),
        "rewards": [_reward(f"rewards.{row}", row, data, saved) for row in rows(data, "rewards")],
        "reward_methods": catalogue.of("rewards"),
        "codes": [(reference, words_of(one)) for reference, one in saved.items() if one.tree is None],
        "trees": [(reference, words_of(one)) for reference, one in saved.items() if one.tree is not None],
        **parts_context(data, catalogue),
        "address": reverse("runs:new"),
        "algorithms": algorithms.versions(team),
        "recipes": algorithms.ready(guided(catalogue), catalogue),
        "sizes": field_rows(knobs.SIZES, "", data),
        "optimiser": field_rows(knobs.OPTIMISER, "optimiser", data),
        "budget": field_rows(knobs.BUDGET, "budget", data),
        "machine": field_rows(knobs.MACHINE, "", data),
        "lora": {"on": bool(data.get("lora.on")), "rows": field_rows(knobs.LORA, "lora", data)},
        "served": {"on": bool(data.get("served.on")), "rows": field_rows(knobs.SERVED, "served", data)},
        "words": WORDS if data.get("guided") else {},
    }


def _reward(prefix: str, row: int, data: Data, saved: Mapping[str, RewardVersion]) -> dict[str, Any]:
    catalogue = shelf.catalogue()
    name = data.get(f"{prefix}.name", "")
    return pick_context(prefix, "rewards", data, catalogue) | {
        "row": row,
        "named": field_rows(knobs.REWARD, prefix, data),
        "failing": field_rows(knobs.FAILURE, prefix, data),
        "given": data.get(f"{prefix}.given", ""),
        "is_code": name.startswith(CODE),
        "tree": tree_context(data.get(f"{prefix}.tree", ""), saved.get(name), catalogue),
    }


def side_context(data: Data, draft: Draft, team: Team, codes: Mapping[str, str]) -> dict[str, Any]:
    """The panel beside the form: troubles with their fixes, memory, formulas, and the run as one document."""
    catalogue = shelf.catalogue()
    found = every_trouble(draft, catalogue, team, codes)
    facts = model_facts(draft.spec, team.pk)
    sizes = None if facts is None else facts.sizes
    want = None if sizes is None else memory.estimate(draft.spec, sizes, catalogue)
    return {
        "troubles": trouble_rows(found, data),
        "address": reverse("runs:new"),
        "algorithm": algorithms.origin(draft.spec, team),
        "worker_differs": shelf.worker_differs(),
        "memory": want,
        "sizes_unknown": facts is not None and sizes is None,
        "memory_vals": "" if want is None else fix_values(want.fix),
        "document_tab": data.get("document_tab", "json"),
        "formulas": formulas(draft.spec, catalogue),
        "document_json": documents.as_json(with_digests(draft.spec, catalogue)),
        "document_yaml": documents.as_yaml(with_digests(draft.spec, catalogue)),
    }


def every_trouble(draft: Draft, catalogue: Catalogue, team: Team, codes: Mapping[str, str]) -> list[Trouble]:
    """The form's wrong texts first, then what is wrong with the values, each field once."""
    wrong = {trouble.path for trouble in draft.wrong}
    found = [*draft.wrong, *prechecks.troubles(draft.spec, catalogue, team, codes)]
    # An empty choice of a set is also no source of prompts: said once, at the choice.
    return prechecks.first_of_each(one for one in found if one.path != "prompts" or "prompts.dataset" not in wrong)


def read_form(data: Data, codes: Mapping[str, str]) -> Draft:
    """The draft that the form's texts describe, with today's catalogue."""
    return parse(data, shelf.catalogue(), codes)
