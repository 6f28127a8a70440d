"""A tree of parts as one formula. Its labels are users' words: only letters, digits and a few signs of them stay."""

import re
from dataclasses import replace

from django.utils.safestring import SafeString

from labapp.workshop.mathml import mathml
from workers.contract.catalogue import Catalogue
from workers.contract.limits import problem_with
from workers.contract.rewardnode import Node
from workers.contract.rewardtree import latex

_NAME = re.compile(r"\\mathrm\{((?:[^{}\\]|\\_|\\ )*)\}")


def formula_of(tree: Node, catalogue: Catalogue) -> SafeString:
    """The formula as MathML; parameters whose values are none stand at their defaults."""
    return mathml(_NAME.sub(_words, latex(_sound(tree, catalogue), catalogue)))


def _words(match: re.Match[str]) -> str:
    """A name as one word: of letters in a formula, the converter makes a symbol each."""
    return r"\text{" + match[1].replace(r"\_", "_").replace(r"\ ", " ") + "}"


def _sound(node: Node, catalogue: Catalogue) -> Node:
    method = catalogue.methods.get(f"{node.kind}/{node.name}")
    known = {} if method is None else {param.name: param for param in method.params}
    params = {
        name: value for name, value in node.params.items() if name in known and problem_with(known[name], value) is None
    }
    return replace(node, params=params, of=tuple(_sound(part, catalogue) for part in node.of))
