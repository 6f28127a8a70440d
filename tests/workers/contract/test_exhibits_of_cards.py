"""The exhibit of every card: documents that can be started, and arms that differ in the method they show."""

import re

import pytest

from labapp.runs.guided import guided
from workers.contract.card import Exhibit
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.exhibits import ARMS, SEEDS, better_way, runs_of
from workers.contract.method import Method

CATALOGUE = read_catalogue()
EXHIBITS = [
    pytest.param(method, method.card.exhibit, id=method.address)
    for method in CATALOGUE.methods.values()
    if method.card.exhibit is not None
]


def test_there_are_exhibits() -> None:
    """Every seam has a method with an exhibit beside its baseline."""
    shown = {method.kind for method in CATALOGUE.methods.values() if method.card.exhibit is not None}
    assert shown >= {"credit", "objectives", "preferences", "reductions", "selection", "weighting"}


@pytest.mark.parametrize(("method", "exhibit"), EXHIBITS)
def test_both_arms_can_be_started(method: Method, exhibit: Exhibit) -> None:
    made = runs_of(exhibit, guided(CATALOGUE), method.name)
    assert [[spec.seed for spec in made[arm]] for arm in ARMS] == [list(SEEDS)] * 2
    assert [trouble for arm in ARMS for spec in made[arm] for trouble in troubles(spec, CATALOGUE)] == []


@pytest.mark.parametrize(("method", "exhibit"), EXHIBITS)
def test_the_method_is_in_the_variant_alone(method: Method, exhibit: Exhibit) -> None:
    made = runs_of(exhibit, guided(CATALOGUE), method.name)
    used = {arm: {(pick.kind, pick.name) for spec in made[arm] for pick in spec.picks()} for arm in ARMS}
    assert (method.kind, method.name) in used["variant"]
    assert (method.kind, method.name) not in used["baseline"]


@pytest.mark.parametrize(("method", "exhibit"), EXHIBITS)
def test_it_says_what_to_look_at(method: Method, exhibit: Exhibit) -> None:
    assert exhibit.claim
    assert exhibit.watch
    assert {better_way(exhibit, curve) for curve in exhibit.watch} <= {"higher", "lower"}


@pytest.mark.parametrize(("method", "exhibit"), EXHIBITS)
def test_what_was_measured_has_an_interval(method: Method, exhibit: Exhibit) -> None:
    assert re.search(r"\[[+-]\d+\.\d+, [+-]\d+\.\d+\]", exhibit.found)


def test_a_reward_is_better_higher_whatever_decides() -> None:
    exhibit = Exhibit("shorter", watch=("length", "heldout/accuracy", "reward/total"), better="lower")
    assert [better_way(exhibit, curve) for curve in exhibit.watch] == ["lower", "higher", "higher"]
