"""The page of a run shows its recipe: parts, companions, stock, formulas, and the algorithm that they are from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.test import Client

from labapp import shelf
from labapp.runs import launch
from labapp.runs.compare import differences
from labapp.runs.guided import guided
from labapp.workshop import algorithms
from labapp.workshop.algorithms import document_of, with_recipe
from workers.contract.spec import Companion, Pick, Pool, to_dict

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User

CATALOGUE = shelf.catalogue()
DAPO = {one.slug: one.recipe for one in algorithms.everything()}["dapo"]


def test_it_works(alice_client: Client, team: Team, alice: User) -> None:
    made = algorithms.create(team, alice, "Mine", document_of(with_recipe(guided(CATALOGUE), DAPO)))
    spec = with_recipe(guided(CATALOGUE), made.document, made.reference)
    run = launch.create(team, alice, to_dict(spec), "E")
    html = alice_client.get(f"/runs/{run.pk}/?tab=config").content.decode()
    assert f'href="/workshop/algorithms/{made.algorithm_id}/?version=1">Mine, version 1' in html
    assert "(with changes)" not in html
    assert "Dynamic sampling (DAPO) → Soft overlong punishment (DAPO) → Group-relative (GRPO)" in html
    assert "eps_high 0.28 (source 0.2)" in html
    other = launch.create(team, alice, to_dict(replace(spec, siblings=4)), "E")
    assert "version 1</a> with changes" in alice_client.get(f"/runs/{other.pk}/").content.decode()


def test_a_method_that_changed_since_the_run_is_told(alice_client: Client, team: Team, alice: User) -> None:
    words = "This method has changed since this run was made"
    for digest, times in (("", 0), ("another", 1)):
        spec = replace(guided(CATALOGUE), credit=Pick("credit", "rloo", {}, digest))
        run = launch.create(team, alice, to_dict(spec), "E")
        assert alice_client.get(f"/runs/{run.pk}/?tab=config").content.decode().count(words) == times


def test_companions_and_stock_are_told(alice_client: Client, team: Team, alice: User) -> None:
    spec = replace(guided(CATALOGUE), credit=Pick("credit", "gae"), companions=(Companion("critic"),), pool=Pool())
    run = launch.create(team, alice, to_dict(spec), "E")
    html = alice_client.get(f"/runs/{run.pk}/?tab=config").content.decode()
    assert "With a critic" in html
    assert "4 for each of 256 prompts, sampled once" in html


def test_a_run_without_credit_is_named_by_its_objective(alice_client: Client, team: Team, alice: User) -> None:
    spec = replace(guided(CATALOGUE), credit=None, objective=Pick("objectives", "copg"))
    run = launch.create(team, alice, to_dict(spec), "E")
    assert "<span>copg · 16 × 8" in alice_client.get(f"/runs/{run.pk}/").content.decode()
    assert "None" not in alice_client.get("/runs/").content.decode().split("<tbody>")[1]


def test_a_document_of_another_version_is_shown_without_a_recipe(alice_client: Client, team: Team, alice: User) -> None:
    run = launch.create(team, alice, to_dict(guided(CATALOGUE)) | {"selection": "a text"}, "E")
    response = alice_client.get(f"/runs/{run.pk}/?tab=config")
    assert response.status_code == 200
    assert 'class="card recipe"' not in response.content.decode()


def test_runs_are_compared_part_by_part() -> None:
    plain = to_dict(guided(CATALOGUE))
    dapo = to_dict(with_recipe(guided(CATALOGUE), DAPO))
    found = {row["path"]: row["values"] for row in differences([plain, dapo])}
    assert found["selection.0.name"] == [None, "dynamic_sampling"]
    assert found["shaping.0.name"] == [None, "overlong"]
    assert found["objective.params.eps_high"] == [None, 0.28]
    assert found["regularisers.0.name"] == ["kl_k3", None]
    assert "credit.name" not in found
