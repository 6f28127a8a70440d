"""Runs on stored completions: which sets the form offers, which mismatches are refused, and the mend of each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs import prechecks
from labapp.runs.guided import guided
from labapp.runs.mending import changed
from labapp.runs.models import Run
from labapp.runs.stock_facts import stock_facts
from labapp.workshop.models import DataSet, DataVersion
from tests.labapp.runs.browser_form import NEW, page, send, spec_of
from tests.labapp.runs.test_prechecks import model_in, only
from workers.contract.spec import Model, Pick, Pool, Prompts, RewardPick, RunSpec, from_dict, to_dict

CATALOGUE = shelf.catalogue()
PAIRS = [{"prompt": f"{n}+1=", "chosen": str(n + 1), "rejected": "7", "answer": "", "columns": {}} for n in range(5)]


def recorded(*labels: float | None, groups: int = 1) -> list[dict[str, Any]]:
    """One completion for each label, dealt to so many groups."""
    return [
        {"prompt": f"{n % groups}+1=", "completion": "x" * n, "group": n % groups, "answer": "", "label": label,
         "source": "", "columns": {}}
        for n, label in enumerate(labels)
    ]  # fmt: skip


def stored(team: Team, rows: list[dict[str, Any]], kind: str) -> DataVersion:
    """A confirmed set of the team."""
    name = default_storage.save("data/rows.jsonl", ContentFile("\n".join(map(json.dumps, rows)).encode()))
    made = DataSet.objects.create(team=team, name=f"{kind} {DataSet.objects.count()}", kind=kind)
    return DataVersion.objects.create(
        dataset=made, number=1, original=name, filename="rows.jsonl", file=name, rows=len(rows), digest=uuid4().hex
    )


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    """DPO on stored completions, with a reward that reads no column."""
    return replace(
        guided(CATALOGUE), model=Model(str(model_in(tmp_path / "model"))), rewards=(RewardPick("short", "brevity"),),
        objective=Pick("preferences", "dpo"), credit=None, regularisers=(), pool=Pool(prompts=0),
    )  # fmt: skip


def on(spec: RunSpec, version: DataVersion, objective: str = "") -> RunSpec:
    """The run on a set, with another loss where one is named."""
    kind, _, name = objective.partition("/")
    return replace(
        spec,
        prompts=Prompts(dataset=f"{version.dataset_id}@1"),
        objective=Pick(kind, name) if objective else spec.objective,
    )


def after(spec: RunSpec, fix: Any) -> RunSpec:
    return from_dict(changed(to_dict(spec), fix))


def test_it_works(spec: RunSpec, team: Team) -> None:
    assert prechecks.troubles(on(spec, stored(team, PAIRS, "pairs")), CATALOGUE, team) == []


@pytest.mark.parametrize(
    ("objective", "rows", "kind"),
    [
        ("preferences/ipo", PAIRS, "pairs"),
        ("preferences/tgdpo", PAIRS, "pairs"),
        ("preferences/inpo", PAIRS, "pairs"),
        ("preferences/kto", PAIRS, "pairs"),
        ("preferences/dpo", recorded(1.0, 0.0), "completions"),
        ("preferences/dpo", recorded(None, None), "completions"),
        ("preferences/kto", recorded(1.0, 0.0, 0.2, groups=3), "completions"),
        ("objectives/copg", recorded(0.9, 0.9, 0.1), "completions"),
    ],
)
def test_what_a_loss_can_learn_from(
    spec: RunSpec, team: Team, objective: str, rows: list[dict[str, Any]], kind: str
) -> None:
    found = prechecks.troubles(on(spec, stored(team, rows, kind), objective), CATALOGUE, team)
    assert [trouble for trouble in found if trouble.path not in ("companions", "objective")] == []
    assert all("guide" in trouble.what for trouble in found)


@pytest.mark.parametrize(
    ("objective", "rows", "kind", "path", "words"),
    [
        ("objectives/copg", PAIRS, "pairs", "objective", "says which completion is better, not by how much"),
        ("objectives/copg", recorded(0.9, 0.1, groups=2), "completions", "prompts.dataset", "has one of each"),
        ("preferences/dpo", recorded(0.9, 0.1, groups=2), "completions", "prompts.dataset", "has one of each"),
        ("preferences/dpo", recorded(1.0, 1.0, 0.0, 0.0, groups=1)[:2], "completions", "prompts.dataset",
         "in each group all labels are equal"),
        ("preferences/kto", recorded(1.0, None), "completions", "prompts.dataset", "only 1 of the 2 completions"),
    ],
)  # fmt: skip
def test_what_it_cannot_learn_from_is_refused_with_the_mend(
    spec: RunSpec, team: Team, objective: str, rows: list[dict[str, Any]], kind: str, path: str, words: str
) -> None:
    run = on(spec, stored(team, rows, kind), objective)
    trouble = only(prechecks.troubles(run, CATALOGUE, team))
    assert (trouble.path, words in trouble.what) == (path, True), trouble
    if trouble.fix:
        assert prechecks.troubles(after(run, trouble.fix), CATALOGUE, team) == []


@pytest.mark.parametrize("kind", ["pairs", "completions"])
@pytest.mark.parametrize("pool", [None, Pool(prompts=64)])
def test_stored_completions_are_not_prompts(spec: RunSpec, team: Team, kind: str, pool: Pool | None) -> None:
    rows = PAIRS if kind == "pairs" else recorded(1.0, 0.0)
    run = replace(on(spec, stored(team, rows, kind)), pool=pool)
    found = {trouble.path: trouble for trouble in prechecks.troubles(run, CATALOGUE, team)}
    trouble = found["prompts.dataset"]
    assert "learn from the stored ones, or choose a set of prompts" in trouble.what
    assert prechecks.troubles(after(run, trouble.fix), CATALOGUE, team) == []


def test_prompts_are_not_stored_completions(spec: RunSpec, team: Team) -> None:
    run = on(spec, stored(team, [{"prompt": "1+1=", "answer": "2", "columns": {}}], "prompts"))
    trouble = only(prechecks.troubles(run, CATALOGUE, team))
    assert "prompts without completions" in trouble.what
    assert prechecks.troubles(after(run, trouble.fix), CATALOGUE, team) == []


def test_a_pair_that_does_not_fit_a_model_of_bytes_is_refused(spec: RunSpec, team: Team) -> None:
    """The model has 96 positions: 4 bytes of prompt, 91 of completion and its end fit just so."""
    fits = {"prompt": "12+3", "chosen": "x" * 91, "rejected": "y"}
    assert prechecks.troubles(on(replace(spec, max_new_tokens=8), stored(team, [fits], "pairs")), CATALOGUE, team) == []
    longer = stored(team, [*PAIRS, fits | {"rejected": "y" * 92}], "pairs")
    trouble = only(prechecks.troubles(on(replace(spec, max_new_tokens=8), longer), CATALOGUE, team))
    assert "completion of row 6 of" in trouble.what
    assert "have 97 tokens, and the model has 96" in trouble.what


@pytest.mark.parametrize("kind", ["pairs", "prompts"])
def test_rows_that_are_gone_are_told(spec: RunSpec, team: Team, kind: str) -> None:
    version = stored(team, PAIRS, kind)
    default_storage.delete(version.file)
    run = on(replace(spec, pool=Pool(prompts=0 if kind == "pairs" else 64)), version)
    found = prechecks.troubles(run, CATALOGUE, team)
    assert "are gone" in {trouble.path: trouble.what for trouble in found}["prompts.dataset"]


def test_what_a_set_holds_is_counted(team: Team) -> None:
    facts = stock_facts(stored(team, recorded(1.0, 0.0, None, 0.5, 0.5, groups=2), "completions"))
    assert facts is not None
    assert (facts.rows, facts.labelled, facts.groups, facts.telling) == (5, 4, 2, 2)
    assert (facts.longest, facts.longest_row) == (8, 5)


def test_the_form_offers_what_the_run_can_take(alice_client: Client, team: Team, charlie: User) -> None:
    for kind in ("prompts", "pairs", "completions"):
        stored(team, PAIRS, kind)
    stored(Team.objects.get(name="Elsewhere"), PAIRS, "pairs")
    data = page(alice_client).data
    html = alice_client.get(NEW).content.decode()
    assert '<optgroup label="Prompts">' in html
    assert "Preference pairs" not in html
    html = send(alice_client, data | {"pool.on": "on", "pool.prompts": "0"}, "change").content.decode()
    assert '<optgroup label="Prompts">' not in html
    assert html.count('<optgroup label="Preference pairs">') == 1
    assert html.count('<optgroup label="Recorded completions">') == 1
    assert html.count("5 rows") == 2  # none of another team
    html = send(alice_client, data | {"pool.on": "on", "pool.prompts": "16"}, "change").content.decode()
    assert "Preference pairs" not in html


def test_what_was_chosen_stays_in_the_form_with_the_reason(alice_client: Client, team: Team) -> None:
    version = stored(team, PAIRS, "pairs")
    chosen = {"prompts.source": "dataset", "prompts.dataset": f"{version.dataset_id}@1"}
    html = send(alice_client, page(alice_client).data | chosen, "change").content.decode()
    assert f'<option value="{version.dataset_id}@1" selected>' in html
    assert "holds preference pairs, and this run samples its own completions" in html


@pytest.mark.parametrize(
    ("rows", "kind", "objective"),
    [
        (PAIRS, "pairs", "preferences/dpo"),
        (recorded(1.0, 0.0), "completions", "objectives/copg"),
        (recorded(1.0, 0.0, groups=2), "completions", "preferences/kto"),
    ],
)
def test_learning_from_a_set_starts_with_a_loss_for_it(
    alice_client: Client, team: Team, rows: list[dict[str, Any]], kind: str, objective: str
) -> None:
    version = stored(team, rows, kind)
    made = spec_of(page(alice_client, f"{NEW}?dataset={version.dataset_id}@1"))
    assert (f"{made.objective.kind}/{made.objective.name}", made.pool, made.credit) == (objective, Pool(0), None)
    assert [one.name for one in made.rewards] == ["brevity"]  # the others read an answer that the set has not
    assert prechecks.troubles(replace(made, model=Model()), CATALOGUE, team) == []


def test_pairs_are_launched_by_those_who_may(
    alice_client: Client, vera_client: Client, charlie_client: Client, team: Team, tmp_path: Path
) -> None:
    version = stored(team, PAIRS, "pairs")
    address = f"{NEW}?dataset={version.dataset_id}@1"
    model = {"model.source": "directory", "model.directory": str(model_in(tmp_path / "model"))}
    data = page(alice_client, address).data | model
    assert vera_client.get(address).status_code == 403
    assert send(vera_client, data, "launch").status_code == 403
    answer = send(charlie_client, data, "launch")
    assert answer.status_code == 422
    assert "has no data set" in answer.content.decode()
    assert send(alice_client, data, "launch").status_code == 302
    run = Run.objects.get()
    assert run.spec["prompts"]["dataset"] == f"{version.dataset_id}@1"
    assert run.state == "queued"
