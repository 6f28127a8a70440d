"""Which symbol of a formula is which parameter, and the formula with numbers in their place."""

import re
from collections.abc import Mapping
from typing import Any

from workers.contract.limits import is_schedule
from workers.contract.method import Method

INDICES = {"i", "j", "k", "n", "t"}  # a subscript that counts; it names no parameter
GREEK = {"varepsilon": "eps", "epsilon": "eps", "lambda": "lam", "varphi": "phi"}
SHORTEST = 4  # letters of a parameter's name from which a symbol's words may begin with it: `coef`, `coefficient`


def symbol_values(method: Method, params: Mapping[str, Any]) -> dict[str, Any]:
    """{LaTeX symbol: value} for the symbols of the card that stand for exactly one number among the parameters."""
    found: dict[str, Any] = {}
    for symbol, words in method.card.symbols.items():
        names = [name for name in params if _is_number(params[name]) and _means(symbol, words, name)]
        if len(names) == 1:
            found[symbol] = params[names[0]]
    return found


def _is_number(value: object) -> bool:
    return is_schedule(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def _means(symbol: str, words: str, name: str) -> bool:
    """Whether the symbol is the parameter `name`: by its letters, or by the words beside it."""
    parts = [GREEK.get(part, part) for part in re.findall(r"[A-Za-z]+", re.sub(r"\\(mathrm|text)\b", "", symbol))]
    wanted = name.split("_")
    by_letters = len(parts) == len(wanted) and parts[:1] == wanted[:1] and not INDICES.intersection(parts[1:])
    by_letters = by_letters and all(map(str.startswith, wanted, parts))
    if "_" in symbol:  # one of many, such as a token's: the parameter is only a part of it
        return by_letters
    return by_letters or (len(name) >= SHORTEST and words.lower().startswith(name.replace("_", " ")))


def numbers_in(formula: str, values: Mapping[str, Any]) -> str:
    """The LaTeX formula with numbers instead of symbols; numbers that come to stand side by side get a dot between."""
    marked = formula
    for symbol in sorted(values, key=len, reverse=True):
        before = "(?<!_)" if symbol.startswith("\\") else r"(?<![A-Za-z\\_])"
        pattern = before + re.escape(symbol) + r"(?![A-Za-z_])"
        number = f"⟦{_latex(values[symbol])}⟧"
        marked = number.join(re.split(pattern, marked))
    marked = re.sub(r"⟧\s*⟦|⟧\s*(?=\d)|(?<=\d)\s*⟦", r" \\cdot ", marked)
    return marked.replace("⟦", "").replace("⟧", "")


def _latex(value: object) -> str:
    if isinstance(value, Mapping):
        return rf"({_latex(value['start'])} \to {_latex(value['end'])})"
    text = f"{value:g}"
    if "e" in text:
        digits, _, power = text.partition("e")
        text = rf"{digits} \cdot 10^{{{int(power)}}}"
    return f"({text})" if text.startswith("-") else text
