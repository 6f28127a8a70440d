"""The ready-made recipes: each is known to the library, makes sense, and survives both forms and a document."""

from __future__ import annotations

import pytest
from django.test import Client

from labapp import shelf
from labapp.accounts.models import Team, User
from labapp.runs.fields import parse
from labapp.runs.filling import fill
from labapp.runs.guided import guided
from labapp.workshop import algorithms
from labapp.workshop.algorithm_page import read_form
from labapp.workshop.algorithms import document_of, same, with_recipe
from tests.labapp.runs.browser_form import NEW, page, send, spec_of
from workers import documents
from workers.contract.recipes import recipe_troubles

CATALOGUE = shelf.catalogue()
RECIPES = {one.slug: one for one in algorithms.everything()}
NAMED = [
    "ppo", "grpo", "dr_grpo", "dapo", "gspo", "cispo", "reinforce_pp", "rloo", "dpo", "ipo", "kto", "copg", "bnpo",
    "riskpo", "knapsack", "d3s", "scaf_grpo", "mdpo", "hpt", "tgdpo", "inpo",
]  # fmt: skip


def test_all_are_there() -> None:
    assert sorted(RECIPES) == sorted(NAMED)
    assert [one.slug for one in algorithms.ready(guided(CATALOGUE), CATALOGUE)] == list(RECIPES)


@pytest.mark.parametrize("slug", NAMED)
def test_every_recipe_makes_sense(slug: str) -> None:
    """But for which model a guide is, which the run says."""
    found = list(recipe_troubles(with_recipe(guided(CATALOGUE), RECIPES[slug].recipe), CATALOGUE))
    assert [one for one in found if not one.path.endswith(".model")] == []


@pytest.mark.parametrize("slug", NAMED)
def test_every_recipe_survives_a_run_form_and_a_document(slug: str) -> None:
    spec = with_recipe(guided(CATALOGUE), RECIPES[slug].recipe, "7@2")
    draft = parse(fill(spec, CATALOGUE, "x"), CATALOGUE, {})
    assert draft.wrong == []
    assert draft.spec == spec
    for text in (documents.as_json(spec), documents.as_yaml(spec)):
        assert documents.read(text) == spec


@pytest.mark.parametrize("slug", NAMED)
def test_every_recipe_survives_the_pages(slug: str, alice_client: Client, alice: User, team: Team) -> None:
    spec = with_recipe(guided(CATALOGUE), RECIPES[slug].recipe)
    built = read_form(page(alice_client, f"/workshop/algorithms/new/?from=ready:{slug}").data).spec
    assert same(document_of(built), document_of(spec))
    used = spec_of(page(alice_client, f"{NEW}?algorithm=ready:{slug}"))
    assert same(document_of(used), document_of(spec))
    made = algorithms.create(team, alice, slug, document_of(spec))
    saved = spec_of(page(alice_client, f"{NEW}?algorithm={made.reference}"))
    assert saved.algorithm == made.reference
    assert same(document_of(saved), made.document)
    plain = page(alice_client).data
    html = send(alice_client, plain, "algorithm", use_algorithm=made.reference).content.decode()
    assert f"{slug}, version 1" in html
    assert "with changes" not in html


def test_two_algorithms_are_told_apart() -> None:
    one = document_of(guided(CATALOGUE))
    assert same(one, {**one, "objective": {**one["objective"], "digest": "other"}})
    assert not same(one, {**one, "siblings": 9})
    assert not same(one, {**one, "optimiser": {"passes": 9}})
    assert not same(one, {**one, "credit": None})
