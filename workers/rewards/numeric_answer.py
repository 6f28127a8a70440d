"""Numeric answer: 1 where the number that a completion gives is the reference number, else 0.

Reads free text: the answer stands after `####` or `A:`, in `\\boxed{...}`, or is the last number. Currency, thousands
separators, units and percent signs are dropped (50 % is 50). Plain numbers are compared at once; fractions, roots and
other LaTeX go to math-verify. Doubt: without a marker the last number may be none that was meant as the answer.
"""

import logging
import re
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Real, Source, Text

CARD = Card(
    title="Numeric answer",
    formula=r"r_i = \mathbb{1}\bigl[\,|a(y_i) - a^{*}_i| \le \tau \max(1, |a^{*}_i|)\,\bigr]",
    source=Source(
        "Cobbe et al., 2021",
        "arXiv:2110.14168",
        "section 2; compared by math-verify",
        "https://arxiv.org/abs/2110.14168",
    ),
    symbols={
        "r_i": "reward of completion i",
        "a(y_i)": "number that the completion gives",
        "a^{*}_i": "number of the reference",
        r"\tau": "tolerance",
    },
    relatives=("rewards/exact_answer", "rewards/verified"),
    bounds=(0.0, 1.0),
)

NUMBER = re.compile(r"(?:(?<![0-9A-Za-z)])-)?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)")
MARKS = {"####": re.compile("####"), "A:": re.compile(r"\b(?:A|[Aa]nswer|ANSWER):")}
DROPPED = re.compile(r"\\(?:text|mathrm|mbox)\{[^{}]*\}|\\[$%,!; ]|[$%€£~`]")
MIXED = re.compile(r"([0-9]{1,9}) +([0-9]{1,9})/([1-9][0-9]{0,8})")
LONGEST_NUMBER = 60
# What math-verify may see. Its clock needs signals, which only the main thread has, so what could take long is kept
# out beforehand: long texts, words, factorials, towers of powers, and exponents of more than two digits.
EXPRESSION = re.compile(
    r"(?:[0-9+\-*/().{}\[\] ]|\^(?:[0-9](?![0-9])|\{-?[0-9]{1,2}\})(?! *\^)"
    r"|\\(?:[dt]?frac|sqrt|pi|cdot|times|div|left|right)(?![A-Za-z]))+"
)
# A sum or product that could still be worked out is no answer, else copying the question would be one.
UNFINISHED = re.compile(r"[0-9)}\]] *(?:[+\-*]|\\cdot|\\times|\\div)")
CLOSED = re.compile(r"\\sqrt|\\pi|10\^")
LONGEST_EXPRESSION = 120
MOST_POWERS = 2


def reward(
    answers: Answers,
    *,
    where: Annotated[
        str, Choice(("auto", "####", "A:", "boxed", "last number")), "where a completion's answer stands"
    ] = "auto",
    column: Annotated[str, Text(80), "column with the reference: a number, or a text that ends with it"] = "answer",
    tolerance: Annotated[float, Real(0, 1), "allowed difference, relative to a reference above 1"] = 1e-6,
) -> list[float | None]:
    """1.0 or 0.0 a completion; None where the reference holds no number. ValueError for an unknown column."""
    return [
        None if reference is None else float(_same(_read(text, where), reference, Fraction(tolerance)))
        for text, reference in zip(answers.texts, map(_reference, answers.column(column)), strict=True)
    ]


def _same(number: Fraction | None, reference: Fraction, tolerance: Fraction) -> bool:
    return number is not None and abs(number - reference) <= tolerance * max(Fraction(1), abs(reference))


def _reference(value: Any) -> Fraction | None:
    """A column's value: a number, an expression, or a text that a completion might be."""
    if isinstance(value, int | float):
        return Fraction(value) if isfinite(value) else None
    text = _clean(str(value)) if value is not None else ""
    return _value(text) if EXPRESSION.fullmatch(text) else _read(text, "auto")


def _read(text: str, where: str) -> Fraction | None:
    """The number that a text gives as its answer; None when it gives none."""
    text = text.replace("−", "-")
    if where == "last number":
        return _last(text)
    for name in ("####", "A:", "boxed") if where == "auto" else (where,):
        part = _boxed(text) if name == "boxed" else _after(MARKS[name], text)
        if part is not None:
            return _value(part)
    return _last(text) if where == "auto" else None


def _after(mark: re.Pattern[str], text: str) -> str | None:
    """What follows the last mark, to the end of the first line with anything on it."""
    found = list(mark.finditer(text))
    return text[found[-1].end() :].strip().partition("\n")[0] if found else None


def _boxed(text: str) -> str | None:
    """What the last `\\boxed{...}` holds, braces inside it included; an unclosed one holds nothing."""
    _, found, rest = text.rpartition(r"\boxed{")
    depth = 1
    for position, sign in enumerate(rest):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return rest[:position]
    return "" if found else None


def _last(text: str) -> Fraction | None:
    found = NUMBER.findall(text)
    return _plain(found[-1]) if found else None


def _clean(text: str) -> str:
    """Without units in LaTeX, currency, percent signs and stars around it; only what an equation comes to."""
    return (
        DROPPED.sub("", text.replace("−", "-").replace("{,}", ","))
        .rpartition("=")[2]
        .strip()
        .strip("*")
        .rstrip(".")
        .strip()
    )


def _value(part: str) -> Fraction | None:
    """The number that a short text means: a plain number with or without words, or an expression."""
    part = re.sub(r"^- +", "-", _clean(part))
    mixed = MIXED.fullmatch(part)
    if mixed is not None:
        return int(mixed[1]) + Fraction(int(mixed[2]), int(mixed[3]))
    found = NUMBER.findall(part)
    if re.search(r"[\\^]", part) or (len(found) > 1 and EXPRESSION.fullmatch(part)):
        return _worked_out(part)
    return _plain(found[0]) if found else None


def _plain(digits: str) -> Fraction | None:
    return Fraction(digits.replace(",", "")) if len(digits) <= LONGEST_NUMBER else None


@lru_cache(maxsize=4096)
def _worked_out(expression: str) -> Fraction | None:
    """An expression in LaTeX as a number, by math-verify; None when it is none, or could take long."""
    if len(expression) > LONGEST_EXPRESSION or expression.count("^") > MOST_POWERS:
        return None
    if not EXPRESSION.fullmatch(expression) or (UNFINISHED.search(expression) and not CLOSED.search(expression)):
        return None
    from math_verify import LatexExtractionConfig, parse  # two seconds: only for those who need it

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its clock is off
    found = parse(f"${expression}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)
    if not found or not getattr(found[0], "is_number", False) or not found[0].is_real:
        return None
    if hasattr(found[0], "q"):  # sympy's whole numbers and fractions
        return Fraction(int(found[0].p), int(found[0].q))
    number = float(found[0])
    return Fraction(number) if isfinite(number) else None
