"""Every formula of the library becomes MathML that a browser can show, with nothing of LaTeX left in it."""

from xml.etree import ElementTree

import pytest

from labapp import shelf
from labapp.workshop.mathml import mathml

FORMULAS = [
    (method.address, latex)
    for method in shelf.catalogue().methods.values()
    for latex in (method.card.formula, *method.card.symbols)
]


def test_it_works() -> None:
    assert "<mfrac>" in mathml(r"\frac{a}{b}")


@pytest.mark.parametrize(("address", "latex"), FORMULAS)
def test_every_formula_of_the_library_is_shown(address: str, latex: str) -> None:
    made = mathml(latex)
    root = ElementTree.fromstring(made)
    assert root.tag.endswith("math")
    assert "\\" not in made, f"{address}: a command was not understood"
    variants = {node.get("mathvariant") for node in root.iter()} - {None, "normal"}
    assert not variants, f"{address}: browsers know no mathvariant {variants}"


def test_letters_of_other_alphabets_are_characters() -> None:
    """Browsers show no mathvariant: what the converter leaves as one becomes the character itself."""
    expected = {r"\mathbb{1}": "𝟙", r"\mathbb{R}": "ℝ", r"\mathcal{L}": "ℒ", r"\mathbf{1}": "𝟏", r"\boldsymbol{x}": "𝒙"}
    for latex, letter in expected.items():
        assert letter in "".join(ElementTree.fromstring(mathml(latex)).itertext())


def test_a_broken_formula_is_shown_as_its_text() -> None:
    assert mathml(r"\frac{") == r"<code>\frac{</code>"
