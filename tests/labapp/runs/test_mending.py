"""What a trouble proposes is done, in a form and in a document; and what must come with a method comes with it."""

from dataclasses import replace
from typing import Any

import pytest

from labapp import shelf
from labapp.runs.fields import parse
from labapp.runs.filling import fill, refreshed
from labapp.runs.guided import guided
from labapp.runs.mending import changed, mended, with_fix
from labapp.runs.parts_page import field_of, fix_words
from labapp.runs.starting import with_method
from workers.contract.recipes import recipe_troubles
from workers.contract.spec import Companion, Model, Pick, Pool, RunSpec, SpecError, from_dict, to_dict

CATALOGUE = shelf.catalogue()
GUIDED = guided(CATALOGUE)
GAE = replace(GUIDED, credit=Pick("credit", "gae"))
BROKEN = {
    "a critic is missing": GAE,
    "a critic is missing beside a guide": replace(GAE, companions=(Companion("guide", Model("/g")),)),
    "a critic is too much": replace(GUIDED, companions=(Companion("critic"),)),
    "there are two critics": replace(GAE, companions=(Companion("critic"), Companion("critic"))),
    "credit is missing": replace(GUIDED, credit=None),
    "credit is too much": replace(GUIDED, objective=Pick("preferences", "dpo"), pool=Pool()),
    "weights without credit": replace(
        GUIDED, objective=Pick("objectives", "copg"), credit=None, weighting=Pick("weighting", "min_norm")
    ),
    "pairs with shaping": replace(
        GUIDED, objective=Pick("preferences", "dpo"), pool=Pool(), credit=None, shaping=(Pick("shaping", "overlong"),)
    ),
    "one sibling": replace(GUIDED, siblings=1),
    "a stock with a selection": replace(GUIDED, pool=Pool(), selection=(Pick("selection", "d3s"),)),
    "an odd order": replace(GUIDED, order="backwards"),
    "too few in the stock": replace(GUIDED, pool=Pool(siblings=1)),
}


def test_it_works() -> None:
    spec = mended(GAE, CATALOGUE)
    assert spec.companions == (Companion("critic"),)
    assert replace(spec, companions=()) == GAE


@pytest.mark.parametrize("what", BROKEN)
def test_the_form_and_the_document_are_mended_alike(what: str) -> None:
    spec = BROKEN[what]
    troubles = [one for one in recipe_troubles(spec, CATALOGUE) if one.fix]
    assert troubles
    for trouble in troubles:
        data = with_fix(fill(spec, CATALOGUE, "x"), trouble.fix, CATALOGUE)
        made = parse(refreshed(data, CATALOGUE, {}), CATALOGUE, {}).spec
        expected = from_dict(changed(to_dict(spec), trouble.fix))
        assert made == expected
        assert fix_words(trouble.fix)
    assert not [one for one in recipe_troubles(mended(spec, CATALOGUE), CATALOGUE) if one.fix]


@pytest.mark.parametrize("address", sorted(CATALOGUE.methods))
def test_what_must_come_with_a_method_comes_with_it(address: str) -> None:
    spec = with_method(GUIDED, CATALOGUE.methods[address], CATALOGUE)
    left = [one for one in recipe_troubles(spec, CATALOGUE) if not one.path.endswith(".model")]
    assert left == []


def test_a_method_that_asks_for_nothing_changes_nothing_else() -> None:
    spec = with_method(GUIDED, CATALOGUE.get("credit", "rloo"), CATALOGUE)
    assert replace(spec, credit=GUIDED.credit) == GUIDED


@pytest.mark.parametrize("path", ["huh.x", "rewards.9.weight", "rewards.x.weight", "name.x"])
def test_a_place_that_a_document_lacks_is_said(path: str) -> None:
    with pytest.raises(SpecError, match=path):
        changed(to_dict(GUIDED), {path: 1})


def test_a_document_that_is_changed_stays_as_it_was() -> None:
    document = to_dict(GUIDED)
    changed(document, {"rewards.0.weight": 7.0})
    assert document == to_dict(GUIDED)


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        ({"companions": [{"role": "guide"}, {"role": "critic"}]}, "with a guide and a critic"),
        ({"companions": []}, "no companion"),
        ({"selection": []}, "no selection"),
        ({"pool": {"prompts": 256}}, "a stock of completions of 256 prompts"),
        ({"credit": {"kind": "credit", "name": "grpo"}}, "credit = grpo"),
        ({"siblings": 8}, "siblings = 8"),
        ({}, ""),
    ],
)
def test_fixes_in_words(fix: dict[str, Any], words: str) -> None:
    assert fix_words(fix) == words


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("credit", "credit.name"),
        ("selection.0", "selection.0.name"),
        ("selection.0.digest", "selection.0.name"),
        ("objective.kind", "objective.name"),
        ("companions.0.model", "companions.0.model.name"),
        ("pool", "pool"),
        ("siblings", "siblings"),
    ],
)
def test_each_trouble_has_a_field_on_the_page(path: str, field: str) -> None:
    spec: RunSpec = replace(GAE, companions=(Companion("guide"),), selection=(Pick("selection", "d3s"),))
    assert field_of(path, fill(spec, CATALOGUE)) == field
