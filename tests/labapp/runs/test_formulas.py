"""The resolved formula: symbols that are parameters show this recipe's numbers, and the loss what is added up."""

from dataclasses import replace
from typing import Any

import pytest

from labapp import shelf
from labapp.runs.formulas import formulas, loss_sum, recipe_formulas
from labapp.runs.guided import guided
from labapp.runs.symbols import numbers_in, symbol_values
from workers.contract.spec import Extra, Pick, RunSpec

CATALOGUE = shelf.catalogue()
GUIDED = guided(CATALOGUE)


def line(spec: RunSpec, title: str) -> dict[str, Any]:
    """The line of the part whose title begins so."""
    return next(one for one in recipe_formulas(spec, CATALOGUE) if one["title"].startswith(title))


def test_it_works() -> None:
    spec = replace(GUIDED, objective=Pick("objectives", "ppo_clip", {"eps_high": 0.28}))
    found = line(spec, "Objective")
    assert found["changed"] == [{"name": "eps_high", "value": "0.28", "default": "0.2"}]
    assert "<mn>0.28</mn>" in found["numbers"]
    assert "<mn>0.28</mn>" not in found["math"]
    assert [one["value"] for one in found["symbols"]] == ["", "", "", "0.2", "0.28"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("objectives/ppo_clip", {r"\varepsilon_l": "eps_low", r"\varepsilon_h": "eps_high"}),
        ("regularisers/kl_k3", {r"\beta": "coef"}),
        ("credit/gae", {r"\gamma": "gamma", r"\lambda": "lam"}),
        ("credit/reinforce", {r"\beta": "beta"}),
        ("credit/grpo", {}),
        ("preferences/tgdpo", {r"\beta": "beta", r"\alpha": "alpha"}),  # g_t is beta times something: no parameter
        ("selection/knapsack", {}),  # N_i and p_i count prompts; they are no parameters
    ],
)
def test_which_symbols_are_parameters(address: str, expected: dict[str, str]) -> None:
    method = CATALOGUE.methods[address]
    values = method.defaults()
    found = symbol_values(method, values)
    if address == "credit/reinforce":
        assert list(found) == list(expected)
    else:
        assert found == {symbol: values[name] for symbol, name in expected.items()}


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        (r"\gamma\lambda A", {r"\gamma": 1.0, r"\lambda": 0.95}, r"1 \cdot 0.95 A"),
        (r"\beta d_t - \beta_k", {r"\beta": 0.04}, r"0.04 d_t - \beta_k"),
        (r"2\beta x", {r"\beta": 0.1}, r"2 \cdot 0.1 x"),
        (r"w V + \sum_w \mathrm{weight}", {"w": 3}, r"3 V + \sum_w \mathrm{weight}"),
        (r"\beta x", {r"\beta": 5e-5}, r"5 \cdot 10^{-5} x"),
        (r"1-\varepsilon", {r"\varepsilon": -0.5}, r"1-(-0.5)"),
        (r"c A", {"c": {"start": 0.3, "end": 0.2, "share": 0.5}}, r"(0.3 \to 0.2) A"),
        (r"x^\beta", {}, r"x^\beta"),
    ],
)
def test_numbers_by_hand(formula: str, values: dict[str, Any], expected: str) -> None:
    assert numbers_in(formula, values) == expected


def test_every_formula_of_the_library_can_still_be_shown_with_its_numbers() -> None:
    """Where the converter gives up it shows the LaTeX text as code."""
    for method in CATALOGUE.methods.values():
        if method.kind in ("tasks", "rewards", "combining"):
            continue  # parts of prompts and rewards, not of the recipe
        pick = Pick(method.kind, method.name)
        part = {"objectives": "objective", "preferences": "objective", "reductions": "reduction"}.get(method.kind)
        several = method.kind in ("selection", "shaping", "regularisers")
        made: dict[str, Any] = {part or method.kind: (pick,) if several else pick}
        one = replace(GUIDED, **made)
        for found in recipe_formulas(one, CATALOGUE):
            assert "<math" in found["math"]
            assert "<code>" not in (found.get("numbers") or "")


def test_the_loss_says_what_is_added_up() -> None:
    spec = replace(GUIDED, extras=(Extra("policy_gradient", weight=0.5), Extra("policy_gradient", weight=-1.0)))
    html = loss_sum(spec, CATALOGUE)
    title = CATALOGUE.get("objectives", "policy_gradient").card.title
    assert f"<mo>+</mo><mn>0.5</mn><mo>·</mo><msub><mi>ℓ</mi><mtext>{title}</mtext></msub>" in html
    assert f"<mo>−</mo><msub><mi>ℓ</mi><mtext>{title}</mtext></msub>" in html
    assert f"<msub><mi>R</mi><mtext>{CATALOGUE.get('regularisers', 'kl_k3').card.title}</mtext></msub>" in html


def test_the_order_of_weighing_is_seen() -> None:
    first = formulas(GUIDED, CATALOGUE)[0]["math"]
    after = formulas(replace(GUIDED, order="credit first"), CATALOGUE)[0]["math"]
    assert "<mi>r</mi><mo>=</mo>" in first
    assert "<msub><mi>A</mi><mtext>correct</mtext></msub>" in after


def test_a_method_that_is_another_one_now_is_told() -> None:
    """Its formula and its defaults are read from today's file."""
    kept = CATALOGUE.get("credit", "grpo").digest
    for digest, stale in (("", False), (kept, False), ("0" * len(kept), True)):
        found = line(replace(GUIDED, credit=Pick("credit", "grpo", {}, digest)), "Credit")
        assert found["stale"] is stale
    formula = replace(GUIDED, credit=Pick("credit", "formula", {}, "before", "r - mean(r, group)"))
    assert not line(formula, "Credit")["stale"], "the text of a formula is in the run itself"


def test_a_formula_of_the_team_is_shown_and_escaped() -> None:
    spec = replace(GUIDED, credit=Pick("credit", "formula", {}, "", "r - mean(r, group)"))
    assert "<math" in line(spec, "Credit")["math"]
    hostile = replace(GUIDED, credit=Pick("credit", "formula", {}, "", "<script>alert(1)</script>"))
    assert all("<script>" not in one["math"] for one in recipe_formulas(hostile, CATALOGUE))
