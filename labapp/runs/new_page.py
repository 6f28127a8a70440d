"""What the new-run page shows for some form data: its sections, and the panel of checks, formula and document."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import knobs, memory, prechecks
from labapp.runs.digests import with_digests
from labapp.runs.fields import Draft, parse
from labapp.runs.form_data import CODE, PARTS, Data, rows
from labapp.runs.formulas import formulas
from labapp.runs.guided import WORDS
from labapp.runs.model_checks import model_facts
from labapp.workshop.forms import ParamsForm, method_form
from labapp.workshop.models import DataSet, DataVersion, RewardVersion
from labapp.workshop.wording import quoted
from workers import documents
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.kinds import KINDS
from workers.contract.limits import Param


def form_context(data: Data, team: Team, saved: Mapping[str, RewardVersion]) -> dict[str, Any]:
    """Everything that the form's template needs; `data` holds the texts of all fields (see `filling.refreshed`)."""
    catalogue = shelf.catalogue()
    return {
        "data": {name.replace(".", "_"): text for name, text in data.items()},
        "head": _rows(knobs.HEAD, "", data),
        "model": _rows(knobs.MODEL, "model", data),
        "task": _pick("prompts.task", "tasks", data, catalogue),
        "datasets": data_sets(team),
        "heldout": _rows(knobs.DATASET, "prompts", data),
        "rewards": [_reward(f"rewards.{row}", row, data, catalogue) for row in rows(data, "rewards")],
        "reward_methods": catalogue.of("rewards"),
        "codes": [(reference, f"{one.reward.name} · version {one.number}") for reference, one in saved.items()],
        "parts": [_pick(prefix, kind, data, catalogue) for prefix, kind in PARTS],
        "regularisers": [
            _pick(f"regularisers.{row}", "regularisers", data, catalogue) | {"row": row}
            for row in rows(data, "regularisers")
        ],
        "regulariser_methods": catalogue.of("regularisers"),
        "sizes": _rows(knobs.SIZES, "", data),
        "optimiser": _rows(knobs.OPTIMISER, "optimiser", data),
        "budget": _rows(knobs.BUDGET, "budget", data),
        "machine": _rows(knobs.MACHINE, "", data),
        "words": WORDS if data.get("guided") else {},
    }


def _rows(params: Iterable[Param], prefix: str, data: Data) -> list[dict[str, Any]]:
    return ParamsForm(params, prefix, data).rows()


def _pick(prefix: str, kind: str, data: Data, catalogue: Catalogue) -> dict[str, Any]:
    name = data.get(f"{prefix}.name", "")
    method = catalogue.methods.get(f"{kind}/{name}")
    return {
        "prefix": prefix,
        "part": prefix.partition(".")[0],
        "kind": KINDS[kind],
        "name": name,
        "method": method,
        "purpose": "" if method is None else quoted(method.purpose),
        "digest": data.get(f"{prefix}.digest", ""),
        "options": catalogue.of(kind),
        "rows": [] if method is None else method_form(method, f"{prefix}.params", data).rows(),
    }


def _reward(prefix: str, row: int, data: Data, catalogue: Catalogue) -> dict[str, Any]:
    return _pick(prefix, "rewards", data, catalogue) | {
        "row": row,
        "named": _rows(knobs.REWARD, prefix, data),
        "source": data.get(f"{prefix}.source", ""),
        "given": data.get(f"{prefix}.given", ""),
        "is_code": data.get(f"{prefix}.name", "").startswith(CODE),
    }


def data_sets(team: Team) -> list[tuple[str, str]]:
    """The team's prompt sets with confirmed columns, newest first, as options of a select."""
    found = DataVersion.objects.filter(dataset__team=team, dataset__kind=DataSet.PROMPTS).exclude(file="")
    newest = found.select_related("dataset").order_by("-created")[:200]
    return [(f"{one.dataset_id}@{one.number}", f"{one} · {one.rows:,} rows") for one in newest]


def side_context(data: Data, draft: Draft, team: Team, codes: Mapping[str, str]) -> dict[str, Any]:
    """The panel beside the form: troubles with their fixes, memory, formulas, and the run as one document."""
    catalogue = shelf.catalogue()
    found = every_trouble(draft, catalogue, team, codes)
    facts = model_facts(draft.spec)
    want = None if facts is None else memory.estimate(draft.spec, facts, catalogue)
    return {
        "troubles": [
            {"path": field_of(one.path, data), "what": one.what, "fix": one.fix, "vals": _fix_values(one.fix)}
            for one in found
        ],
        "worker_differs": shelf.worker_differs(),
        "memory": want,
        "memory_vals": "" if want is None else _fix_values(want.fix),
        "document_tab": data.get("document_tab", "json"),
        "formulas": formulas(draft.spec, catalogue),
        "document_json": documents.as_json(with_digests(draft.spec, catalogue)),
        "document_yaml": documents.as_yaml(with_digests(draft.spec, catalogue)),
    }


def _fix_values(fix: Mapping[str, Any]) -> str:
    """What the button of a fix sends, as the JSON text that HTMX takes."""
    return json.dumps({"do": "fix", "what": json.dumps(dict(fix))})


def every_trouble(draft: Draft, catalogue: Catalogue, team: Team, codes: Mapping[str, str]) -> list[Trouble]:
    """The form's wrong texts first, then what is wrong with the values, each field once."""
    wrong = {trouble.path for trouble in draft.wrong}
    found = [*draft.wrong, *prechecks.troubles(draft.spec, catalogue, team, codes)]
    # An empty choice of a set is also no source of prompts: said once, at the choice.
    return prechecks.first_of_each(one for one in found if one.path != "prompts" or "prompts.dataset" not in wrong)


def field_of(path: str, data: Data) -> str:
    """The form field at which a trouble of `path` is shown: the path itself, or the field that stands for it."""
    if path == "model.name":
        return f"model.{data.get('model.source', 'starter')}"
    if path == "prompts":
        return "prompts.source"
    return f"{path.removesuffix('.digest')}.name" if path.endswith(".digest") else path


def read_form(data: Data, codes: Mapping[str, str]) -> Draft:
    """The draft that the form's texts describe, with today's catalogue."""
    return parse(data, shelf.catalogue(), codes)
