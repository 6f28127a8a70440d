"""What the new-run page shows for some form data: its sections, and the panel of checks, formula and document."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from labapp import shelf
from labapp.accounts.models import Team
from labapp.runs import documents, knobs, memory, prechecks
from labapp.runs.fields import CODE, PARTS, Data, Draft, parse, rows
from labapp.runs.guided import WORDS
from labapp.workshop.forms import ParamsForm, differing, method_form, quoted
from labapp.workshop.mathml import mathml
from labapp.workshop.models import DataSet, DataVersion, RewardVersion
from workers.contract.catalogue import Catalogue
from workers.contract.errors import Trouble
from workers.contract.kinds import KINDS
from workers.contract.limits import Param
from workers.contract.spec import Pick, RewardPick, RunSpec

SUM = r"L = \sum_{i,t} w_{it}\,\Bigl(\ell_{it} + \sum_k R^k_{it}\Bigr)"


def form_context(data: Data, team: Team, saved: Mapping[str, RewardVersion]) -> dict[str, Any]:
    """Everything that the form's template needs; `data` holds the texts of all fields (see `fields.refreshed`)."""
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
    facts = prechecks.model_facts(draft.spec)
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


def with_digests(spec: RunSpec, catalogue: Catalogue) -> RunSpec:
    """The spec with the digest of every method file, where it had none: a record of what ran."""

    def digest(kind: str, name: str, given: str) -> str:
        method = catalogue.methods.get(f"{kind}/{name}")
        return given if given or method is None else method.digest

    def pick(one: Pick) -> Pick:
        return replace(one, digest=digest(one.kind, one.name, one.digest))

    def reward(one: RewardPick) -> RewardPick:
        return one if one.source else replace(one, digest=digest("rewards", one.name, one.digest))

    task = spec.prompts.task
    parts: dict[str, Any] = {name: pick(getattr(spec, name)) for name, _ in PARTS}
    return replace(
        spec,
        prompts=replace(spec.prompts, task=None if task is None else pick(task)),
        rewards=tuple(map(reward, spec.rewards)),
        regularisers=tuple(map(pick, spec.regularisers)),
        **parts,
    )


def formulas(spec: RunSpec, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The run's formulas from rewards to loss, each with the parameters that differ from the method's defaults."""
    made: list[dict[str, Any]] = [{"title": "Reward", "math": reward_sum(spec.rewards), "changed": {}}]
    picks = [spec.credit, spec.objective, *spec.regularisers, spec.reduction]
    for pick in picks:
        method = catalogue.methods.get(f"{pick.kind}/{pick.name}")
        if method is not None:
            title = f"{KINDS[pick.kind].title} · {method.card.title}"
            changed = differing(method, pick.params)
            made.append({"title": title, "math": mathml(method.card.formula), "changed": changed})
    return [*made, {"title": "Loss", "math": mathml(SUM), "changed": {}}]


def reward_sum(rewards: Iterable[RewardPick]) -> SafeString:
    """The weighted sum as MathML, with the weights and labels of this run (labels are users' words: escaped)."""
    terms = []
    for index, reward in enumerate(rewards):
        sign = "−" if reward.weight < 0 else "+" if index else ""
        terms.append((sign, f"{abs(reward.weight):g}", reward.label))
    inner = format_html_join("", "<mo>{}</mo><mn>{}</mn><mo>·</mo><mtext>{}</mtext>", terms)
    return format_html('<math display="block"><mi>r</mi><mo>=</mo>{}</math>', inner or "0")


def read_form(data: Data, codes: Mapping[str, str]) -> Draft:
    """The draft that the form's texts describe, with today's catalogue."""
    return parse(data, shelf.catalogue(), codes)
