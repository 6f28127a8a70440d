"""Formulas: the page of every word that one may use, and the check while somebody writes."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from labapp.accounts.access import requires
from labapp.workshop.formula_check import OF_NEEDS, SHAPES, checked
from labapp.workshop.formula_examples import EXAMPLES, Example
from labapp.workshop.mathml import mathml
from labapp.workshop.wording import text_of
from workers.contract.formula import BOTH, FUNCTIONS, NAMES, REDUCTIONS, SCOPES
from workers.contract.formula.words import CREDIT, Function

KINDS = {CREDIT: "credit", BOTH[1]: "objective"}
GIVEN = {"clip": ("x", "low", "high"), "where": ("test", "x", "y")}  # values with names of their own
ARGUMENTS = ("x", "y", "z")


@require_safe
@requires("see")
def words(request: HttpRequest) -> HttpResponse:
    """Every name, function, reduction and scope that a formula may use, and worked examples."""
    context = {
        "names": [_name(name) for name in NAMES],
        "functions": [(used(name, one), one.words) for name, one in FUNCTIONS.items()],
        "reductions": [(f"{name}(x, scope)", words) for name, words in REDUCTIONS.items()],
        "scopes": list(SCOPES.items()),
        "kinds": [(words, [_example(one) for one in EXAMPLES if one.kind == kind]) for kind, words in KINDS.items()],
    }
    return render(request, "workshop/formulas.html", context)


def _name(name: str) -> dict[str, Any]:
    one = NAMES[name]
    return {
        "name": name,
        "math": mathml(one.latex, inline=True),
        "words": one.words,
        "each": SHAPES[one.shape],
        "kinds": [KINDS[kind] for kind in one.kinds],
        "moves": one.moves,
        "needs": [OF_NEEDS[need] for need in one.needs],
    }


def used(name: str, one: Function) -> str:
    """How a function is written: `clip(x, low, high)`."""
    values = GIVEN.get(name, ARGUMENTS[: one.arguments])
    return f"{name}({', '.join(values)}{', discount' if one.discount else ''})"


def _example(one: Example) -> dict[str, Any]:
    rows = [(name, _numbers(values)) for name, values in one.worked]
    return {"one": one, "read": checked(one.text, one.kind), "given": rows[:-1], "made": rows[-1]}


def _numbers(values: Iterable[float]) -> list[str]:
    return [text_of(value).replace("-", "−") for value in values]


@require_POST
@requires("change")
def check(request: HttpRequest) -> HttpResponse:
    """What a text is: `kind` says of which kind of part, `field` which of the request's fields holds it."""
    kind = request.POST.get("kind", "")
    if kind not in BOTH:
        raise Http404
    text = request.POST.get(request.POST.get("field", ""), "")
    return render(request, "workshop/formula_checked.html", {"read": checked(text, kind)})
