"""However a text is made, reading it is a bounded amount of work; and what a reader of code would let through."""

import ast
from typing import Any

import pytest

from tests.workers.contract.test_formula import HOSTILE
from workers.contract.formula import FormulaError, Node, as_method, constant, parse, reading
from workers.contract.formula.tracing import moves, scopes

LARGE = [
    "r" * 3_000_000, "(" * 1_000_000, "-" * 1_990 + "r", "not " * 490 + "r", "2**" * 600 + "2", "r<" * 900 + "r",
    "f(" * 60 + "a b" + ")" * 60, "f(" * 900, "r," * 900, "9" * 1_990, "1e" + "9" * 1_900, "." * 1_900, "r\n" * 900,
    "a=" * 800 + "r", "r if " * 300 + "r", "lambda " * 280 + "r", "await " * 300 + "r", "r and " * 300 + "r",
    "\n".join(f"x{n} = {'x' + str(n - 1) if n else 'r'} * {'x' + str(n - 1) if n else 'r'}" for n in range(90)),
    "+".join(["abs(r)"] * 150), "mean(" * 20 + "r" + ", group)" * 20 + "+ r" * 200, "\t" * 1_900, "\x00" * 1_900,
]  # fmt: skip


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The longest text that came to Python's parser, its deepest brackets, and how many nodes were read."""
    found = {"length": 0, "depth": 0, "nodes": 0}
    parser, node = ast.parse, reading._Reader.node

    def counted(text: str, *others: Any, **named: Any) -> Any:
        depth = deepest = 0
        for letter in text:
            depth += (letter == "(") - (letter == ")")
            deepest = max(deepest, depth)
        found["length"], found["depth"] = max(found["length"], len(text)), max(found["depth"], deepest)
        return parser(text, *others, **named)

    def visited(reader: reading._Reader, expression: ast.expr, depth: int) -> Node:
        found["nodes"] += 1
        return node(reader, expression, depth)

    monkeypatch.setattr(ast, "parse", counted)
    monkeypatch.setattr(reading._Reader, "node", visited)
    return found


@pytest.mark.parametrize("text", [*HOSTILE, *LARGE], ids=lambda text: repr(text[:30]))
def test_no_text_makes_the_reader_work_long(text: str, seen: dict[str, int]) -> None:
    with pytest.raises(FormulaError):
        parse(text, "credit")
    assert seen["length"] <= reading.LONGEST
    assert seen["depth"] <= reading.MOST_BRACKETS
    assert seen["nodes"] <= reading.MOST_NODES + 1


def test_the_counters_count(seen: dict[str, int]) -> None:
    parse("(r - mean(r, group))", "credit")
    assert seen == {"length": 20, "depth": 2, "nodes": 4}


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "what"),
    [
        ("   r + foo", "credit", 1, 8, "no 'foo'"),
        ("\n\n  half = r / 2\n  r + hafl", "credit", 4, 7, "Did you mean half?"),
        ("\tr + foo", "credit", 1, 6, "no 'foo'"),
        ("r\r\n+ foo", "credit", 1, 1, "before the last one gives a value a name"),
        ("0x10 * r", "credit", 1, 1, "0x10 is no number"),
        ("r * 1_000", "credit", 1, 5, "1_000 is no number"),
        ("r * 2j", "credit", 1, 5, "2j is no number"),
        ("r / (2 - 2)", "credit", 1, 6, "divides by zero"),
        ("r / -0.0", "credit", 1, 5, "divides by zero"),
        ("r * (9e300 * 9e300)", "credit", 1, 6, "too large"),
        ("r * (-2) ** 0.5", "credit", 1, 5, "none at all"),
        ("r * 0 ** -1", "credit", 1, 5, "none at all"),
        ("(r ** 8) ** 8", "credit", 1, 1, "power of a power"),
        ("ratio + r", "credit", 1, 1, "no 'ratio' in credit"),
        ("after(logp, r)", "credit", 1, 13, "discount is a number from 0 to 1"),
        ("after(logp, 1.5)", "credit", 1, 13, "discount is a number from 0 to 1"),
        ("ratio * mean(A, batch)", "objectives", 1, 17, "sees the batch in parts"),
        ("value * ratio", "objectives", 1, 1, "no 'value' in objectives"),
        ("next(r)", "credit", 1, 1, "goes along tokens"),
    ],
)
def test_where_and_why(text: str, kind: str, line: int, column: int, what: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, kind)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "A", "-stop(ratio) * A", "sign(ratio) * A", "rank(ratio, group)", "(ratio > 1) * A", "where(ratio > 1, A, -A)",
        "x = stop(logp)\nx * A", "where(ratio - 1, A, -A)", "count(logp, completion) * A", "old_logp - ref_logp",
    ],
)  # fmt: skip
def test_an_objective_without_a_gradient_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match="no gradient to learn from"):
        parse(text, "objectives")


@pytest.mark.parametrize("text", ["x = logp\nx * A", "where(A > 0, ratio, 1)", "std(entropy, group)", "A ** 2 * ratio"])
def test_one_gradient_is_enough(text: str) -> None:
    assert moves(parse(text, "objectives"))


def test_constants_are_computed_and_nothing_else_is() -> None:
    assert constant(parse("r * (1 - 0.25) ** 2", "credit").value) is None
    made = parse("x = -(1 - 0.25) ** 2 / 3 + 1\nx * r", "credit")
    assert constant(made.lines[0][1]) == pytest.approx(1 - 0.5625 / 3)


def test_credit_says_whether_it_compares_siblings() -> None:
    for text, departs in (
        ("r - mean(r, group)", False),
        ("r - mean(logp, completion) - mean(r, group)", False),
        ("r - mean(r, batch)", True),
        ("mean(r, group) - mean(r, batch)", True),
        ("r", True),
    ):
        formula = parse(text, "credit")
        assert bool(as_method(formula, "mine").card.departs) is departs, scopes(formula)


def test_its_page_explains_the_symbols_it_uses() -> None:
    method = as_method(parse("r - 0.1 * entropy", "credit"), "mine")
    assert set(method.card.symbols) == {"r", "H"}
    assert method.card.formula == r"A = r - 0.1\,H"
