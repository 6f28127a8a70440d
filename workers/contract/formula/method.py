"""A formula as a method of its kind: what it needs and how it reads, for pages, checks and the engine alike."""

from pathlib import Path

from workers.contract.card import Card, Departure, Source
from workers.contract.formula.latex import latex
from workers.contract.formula.nodes import Formula
from workers.contract.formula.tracing import scopes, streams
from workers.contract.formula.words import CREDIT, NAMES
from workers.contract.method import Method

ALWAYS = {CREDIT: ("rollouts", "reward_NT")}
LOSSES = ("now", "was", "advantage_NT", "group_N", "reward_N")


def as_method(formula: Formula, name: str) -> Method:
    """The method that this formula is; `name` says whose it is and which version."""
    needs = (*ALWAYS.get(formula.kind, LOSSES), *formula.needs)
    symbols = {NAMES[one].latex: NAMES[one].words for one in streams(formula)}
    source = Source("", "a formula of this team")
    card = Card(name, latex(formula), source, symbols, departs=_departures(formula))
    return Method(formula.kind, name, Path("formula"), "A formula of this team.", card, needs, (), formula.text)


def _departures(formula: Formula) -> tuple[Departure, ...]:
    """Credit that compares nothing within a group, or anything beyond it, also serves one completion a prompt."""
    used = scopes(formula)
    if formula.kind != CREDIT or ("group" in used and "batch" not in used):
        return ()
    return (Departure("stays in its group", "the formula looks at more than a completion's group, or not at it"),)
