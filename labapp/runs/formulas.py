"""The formulas of a run, from rewards to loss, as MathML: each as its source has it, and with this run's numbers."""

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from labapp.runs.digests import changed_since
from labapp.runs.symbols import numbers_in, symbol_values
from labapp.workshop.forms import differing
from labapp.workshop.formula_check import checked, line_by_line
from labapp.workshop.mathml import mathml
from labapp.workshop.treeformula import formula_of
from labapp.workshop.wording import text_of
from workers.contract.catalogue import Catalogue
from workers.contract.kinds import KINDS
from workers.contract.method import Method
from workers.contract.picking import method_of
from workers.contract.spec import Pick, RewardPick, RunSpec


def formulas(spec: RunSpec, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The run's formulas from rewards to loss; see `recipe_formulas`."""
    first = {"title": "Reward", "math": reward_sum(spec.rewards, spec.order == "credit first")}
    return [first, *tree_formulas(spec.rewards, catalogue), *recipe_formulas(spec, catalogue)]


def tree_formulas(rewards: Iterable[RewardPick], catalogue: Catalogue) -> list[dict[str, Any]]:
    """The formula of each reward that is put together from parts."""
    made = [one for one in rewards if one.tree is not None]
    return [{"title": f"Reward · {one.label}", "math": formula_of(one.tree, catalogue)} for one in made if one.tree]


def recipe_formulas(spec: RunSpec, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The formula of each part and of the loss: `{title, math, numbers, symbols, changed, stale}`, where `changed`
    lists `{name, value, default}` of the parameters that differ from what the method's source has, and `stale` says
    that the method is another one now than in `spec`; of a formula of users also its `text`, and only that with
    `refused` where it cannot be read."""
    made = []
    for pick in spec.parts():
        method = method_of(pick, pick.kind, catalogue)
        if method is not None:
            made.append(_line(pick, method))
        elif pick.source:
            found = checked(pick.source, pick.kind).slip
            refused = "" if found is None else f"Line {found.line}, column {found.column}: {found.what}"
            title = f"{KINDS[pick.kind].title} · {pick.name}"
            made.append({"title": title, "math": "", "text": pick.source, "refused": refused})
    return [*made, {"title": "Loss", "math": loss_sum(spec, catalogue)}]


def _line(pick: Pick, method: Method) -> dict[str, Any]:
    params, defaults = method.defaults() | dict(pick.params), method.defaults()
    values = symbol_values(method, params)
    filled = numbers_in(method.card.formula, values)
    changed = differing(method, pick.params)
    return {
        "title": f"{KINDS[pick.kind].title} · {method.card.title}",
        "math": line_by_line(method.card.formula) if pick.source else mathml(method.card.formula),
        "text": pick.source,
        "stale": not pick.source and changed_since(pick, method),
        "numbers": None if filled == method.card.formula else mathml(filled),
        "symbols": [
            {"math": mathml(symbol, inline=True), "words": words, "value": text_of(values.get(symbol))}
            for symbol, words in method.card.symbols.items()
        ],
        "changed": [
            {"name": name, "value": _said(value), "default": _said(defaults[name])} for name, value in changed.items()
        ],
    }


def _said(value: object) -> str:
    return "no" if value is False else "yes" if value is True else text_of(value) or "empty"


def reward_sum(rewards: Iterable[RewardPick], apart: bool = False) -> SafeString:
    """The weighted sum as MathML, with the weights and labels of this run (labels are users' words: escaped).

    With `apart` each reward has its credit first, and these are summed.
    """
    terms = []
    for index, reward in enumerate(rewards):
        sign = "−" if reward.weight < 0 else "+" if index else ""
        terms.append((sign, f"{abs(reward.weight):g}", reward.label))
    one = "<mo>{}</mo><mn>{}</mn><mo>·</mo>"
    one += "<msub><mi>A</mi><mtext>{}</mtext></msub>" if apart else "<mtext>{}</mtext>"
    inner = format_html_join("", one, terms)
    left = "A" if apart else "r"
    return format_html('<math display="block"><mi>{}</mi><mo>=</mo>{}</math>', left, inner or "0")


def loss_sum(spec: RunSpec, catalogue: Catalogue) -> SafeString:
    """What is minimised: the losses that this recipe adds up, over tokens, groups, or pairs."""
    method = method_of(spec.objective, spec.objective.kind, catalogue)
    title = spec.objective.name if method is None else method.card.title
    first = format_html("<msub><mi>ℓ</mi><mtext>{}</mtext></msub>", title)
    further = [*((extra.weight, "ℓ", _title("objectives", extra.name, catalogue)) for extra in spec.extras)]
    further += [(1.0, "R", _title("regularisers", one.name, catalogue)) for one in spec.regularisers]
    added = format_html_join("", "<mo>{}</mo>{}<msub><mi>{}</mi><mtext>{}</mtext></msub>", map(_term, further))
    if spec.objective.kind == "preferences":
        over = format_html("<mfrac><mn>1</mn><mi>E</mi></mfrac>{}", _sum("e"))
    elif method is not None and method.card.unit == "group":
        over = format_html("<mfrac><mn>1</mn><mi>P</mi></mfrac>{}", _sum("g"))
    else:
        weight = "<msub><mi>w</mi><mrow><mi>i</mi><mi>t</mi></mrow></msub>"
        over = format_html("{}" + weight, _sum("i,t"))
    body = format_html("<mo>(</mo>{}{}<mo>)</mo>", first, added) if further else first
    return format_html('<math display="block"><mi>L</mi><mo>=</mo>{}{}</math>', over, body)


def _sum(letters: str) -> SafeString:
    return format_html("<munder><mo>∑</mo><mi>{}</mi></munder>", letters)


def _term(one: tuple[float, str, str]) -> tuple[str, SafeString, str, str]:
    weight, letter, title = one
    number = SafeString("") if abs(weight) == 1 else format_html("<mn>{}</mn><mo>·</mo>", f"{abs(weight):g}")
    return "−" if weight < 0 else "+", number, letter, title


def _title(kind: str, name: str, catalogue: Catalogue) -> str:
    method = catalogue.methods.get(f"{kind}/{name}")
    return name if method is None else method.card.title
