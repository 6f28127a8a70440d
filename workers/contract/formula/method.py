"""A formula as a method of its kind: what it needs and how it reads, for pages, checks and the engine alike."""

from pathlib import Path

from workers.contract.card import Card, Source
from workers.contract.formula.latex import latex
from workers.contract.formula.nodes import Formula
from workers.contract.formula.words import CREDIT
from workers.contract.method import Method

ALWAYS = {CREDIT: ("rollouts", "reward_NT")}
LOSSES = ("now", "was", "advantage_NT", "group_N", "reward_N")


def as_method(formula: Formula, name: str) -> Method:
    """The method that this formula is; `name` says whose it is and which version."""
    needs = (*ALWAYS.get(formula.kind, LOSSES), *formula.needs)
    card = Card(name, latex(formula), Source("", "a formula of this team"))
    return Method(formula.kind, name, Path("formula"), "A formula of this team.", card, needs, (), formula.text)
