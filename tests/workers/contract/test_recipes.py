"""Combinations that make no sense are refused with the reason and the mend; what the mend says then makes sense."""

from dataclasses import replace
from typing import Any

import pytest

from tests.workers.contract.specs import good
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.spec import Companion, Extra, Model, Optimiser, Pick, Pool

CATALOGUE = read_catalogue()
DPO = Pick("preferences", "dpo")
REFUSED: list[tuple[dict[str, Any], str, str, dict[str, Any]]] = [
    ({"credit": Pick("credit", "gae")}, "credit", "gae needs a critic", {"companions": (Companion("critic"),)}),
    ({"credit": None}, "credit", "ppo_clip needs advantages", {"credit": Pick("credit", "grpo")}),
    ({"objective": DPO, "credit": None}, "pool", "dpo learns from pairs", {"pool": Pool(64, 4)}),
    (
        {"companions": (Companion("critic"),)},
        "companions.0",
        "no part of the recipe asks for a critic",
        {"companions": ()},
    ),
    ({"companions": (Companion("teacher"),)}, "companions.0.role", "is one of critic, guide", {"companions": ()}),
    (
        {
            "objective": Pick("preferences", "tgdpo"),
            "credit": None,
            "pool": Pool(8, 2),
            "companions": (Companion("guide"),),
        },
        "companions.0.model",
        "the model of another run",
        {"companions": (Companion("guide", Model("run:1")),)},
    ),
    (
        {"selection": (Pick("selection", "dynamic_sampling"),), "pool": Pool(8, 2), "objective": DPO, "credit": None},
        "selection.0",
        "learns from a stock",
        {"selection": ()},
    ),
    (
        {"selection": (Pick("selection", "hpt_switch"),)},
        "selection.0",
        "does nothing without objectives/hpt",
        {"objective": Pick("objectives", "hpt")},
    ),
    (
        {
            "objective": Pick("objectives", "copg"),
            "credit": None,
            "selection": (Pick("selection", "overlong_filter"), Pick("selection", "d3s")),
        },
        "selection.1",
        "d3s weighs single tokens, and copg gives one loss for a whole group",
        {"selection": (Pick("selection", "overlong_filter"),)},
    ),
    (
        {"extras": (Extra("copg"),), "selection": (Pick("selection", "d3s"),)},
        "selection.0",
        "d3s weighs single tokens",
        {"selection": ()},
    ),
    (
        {"objective": DPO, "credit": None, "pool": Pool(8, 1)},
        "pool.siblings",
        "nothing to compare",
        {"pool": Pool(8, 2)},
    ),
    (
        {"objective": DPO, "credit": None, "pool": Pool(0, 4, 1)},
        "pool.prompts",
        "a task stores no completions",
        {"pool": Pool(8, 2)},
    ),
    (
        {"objective": Pick("objectives", "copg"), "credit": None, "siblings": 1},
        "siblings",
        "copg compares completions",
        {"siblings": 4},
    ),
    (
        {"objective": DPO, "pool": Pool(8, 2)},
        "credit",
        "no part of this recipe asks for advantages, so grpo would do nothing",
        {"credit": None},
    ),
    (
        {"objective": DPO, "credit": None, "pool": Pool(8, 2), "weighting": Pick("weighting", "min_norm")},
        "weighting",
        "this recipe has no credit",
        {"weighting": None},
    ),
    (
        {"objective": DPO, "credit": None, "pool": Pool(8, 2), "shaping": (Pick("shaping", "overlong"),)},
        "shaping.0",
        "the pairs of a stock are ordered before",
        {"shaping": ()},
    ),
    (
        {"order": "credit first", "credit": Pick("credit", "gae"), "companions": (Companion("critic"),)},
        "order",
        "gae compares with a critic, which learns what the sum of the rewards is worth",
        {"order": "weigh first"},
    ),
    ({"order": "whenever"}, "order", "is one of weigh first, credit first", {"order": "credit first"}),
    (
        {"optimiser": Optimiser(decay="fast")},
        "optimiser.decay",
        "is one of none",
        {"optimiser": Optimiser(decay="cosine")},
    ),
    ({"extras": (Extra("nothing"),)}, "extras.0.name", "no objectives method 'nothing'", {"extras": ()}),
    (
        {"credit": Pick("credit", "mine", source="r - valeu")},
        "credit.source",
        "column 5: there is no 'valeu'",
        {"credit": Pick("credit", "mine", source="r - mean(r, group)")},
    ),
    (
        {"credit": Pick("credit", "mine", source="r - value")},
        "credit",
        "mine needs a critic",
        {"companions": (Companion("critic"),)},
    ),
    (
        {"reduction": Pick("reductions", "mine", source="r")},
        "reduction.source",
        "no formula can stand in the place",
        {"reduction": Pick("reductions", "token_mean")},
    ),
    (
        {"objective": Pick("objectives", "ppo_clip", {"eps_high": {"start": 0.1, "end": -1, "share": 1.0}})},
        "objective.params.eps_high",
        "eps_high must be at least 0, not -1",
        {"objective": Pick("objectives", "ppo_clip", {"eps_high": {"start": 0.1, "end": 0.4, "share": 0.5}})},
    ),
    (
        {"objective": Pick("objectives", "ppo_clip", {"dual": {"start": 0, "end": 1, "share": 1.0}})},
        "objective.params.dual",
        "cannot follow a schedule",
        {"objective": Pick("objectives", "ppo_clip", {"dual": True})},
    ),
]


@pytest.mark.parametrize(("changes", "path", "words", "mend"), REFUSED)
def test_it_is_refused_with_the_reason_and_mended(
    changes: dict[str, Any], path: str, words: str, mend: dict[str, Any]
) -> None:
    broken = replace(good(), **changes)
    found = {trouble.path: trouble.what for trouble in troubles(broken, CATALOGUE)}
    assert words in found.get(path, ""), found
    assert troubles(replace(broken, **mend), CATALOGUE) == []
