"""The formulas of a run, from rewards to loss, as MathML."""

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from labapp.workshop.forms import differing
from labapp.workshop.mathml import mathml
from workers.contract.catalogue import Catalogue
from workers.contract.kinds import KINDS
from workers.contract.spec import RewardPick, RunSpec

SUM = r"L = \sum_{i,t} w_{it}\,\Bigl(\ell_{it} + \sum_k R^k_{it}\Bigr)"


def formulas(spec: RunSpec, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The run's formulas from rewards to loss, each with the parameters that differ from the method's defaults."""
    made: list[dict[str, Any]] = [{"title": "Reward", "math": reward_sum(spec.rewards), "changed": {}}]
    for pick in spec.parts():
        method = catalogue.methods.get(f"{pick.kind}/{pick.name}")
        if method is not None:
            title = f"{KINDS[pick.kind].title} · {method.card.title}"
            changed = differing(method, pick.params)
            made.append({"title": title, "math": mathml(method.card.formula), "changed": changed})
    return [*made, {"title": "Loss", "math": mathml(SUM), "changed": {}}]


def reward_sum(rewards: Iterable[RewardPick]) -> SafeString:
    """The weighted sum as MathML, with the weights and labels of this run (labels are users' words: escaped)."""
    terms = []
    for index, reward in enumerate(rewards):
        sign = "−" if reward.weight < 0 else "+" if index else ""
        terms.append((sign, f"{abs(reward.weight):g}", reward.label))
    inner = format_html_join("", "<mo>{}</mo><mn>{}</mn><mo>·</mo><mtext>{}</mtext>", terms)
    return format_html('<math display="block"><mi>r</mi><mo>=</mo>{}</math>', inner or "0")
