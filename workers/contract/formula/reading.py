"""The text of a formula into nodes. Python's own parser cuts it up; whatever is not on the closed list is refused with
its line and column, before anything is computed."""

import ast
import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from workers.contract.formula.nodes import Binary, Call, Formula, Name, Negative, Node, Number, Shape
from workers.contract.formula.tracing import constant, moves
from workers.contract.formula.words import FUNCTIONS, NAMES, OBJECTIVE, REDUCTIONS, SCOPES, names_for

LONGEST, LONGEST_NAME, MOST_NODES, DEEPEST, LARGEST_POWER = 2000, 24, 200, 24, 8.0
MOST_BRACKETS = 64
WRITTEN = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")  # what Python reads beyond it (0x10, 1_0, 1j) is refused
ALLOWED_SIGNS = set("+-*/()., \n_=<>!") | set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
SIGNS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
COMPARED: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@dataclass
class FormulaError(ValueError):
    """Why a text is no formula: line and column (both from 1), what is wrong and how to mend it."""

    line: int
    column: int
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """One sentence with its place."""
        place = f"column {self.column}" if self.line == 1 else f"line {self.line}, column {self.column}"
        return f"{place}: {self.what}{' ' + self.mend if self.mend else ''}"


def parse(text: str, kind: str) -> Formula:
    """The formula that a text says, for `credit` or `objectives`; FormulaError says where it is none.

    Lines `name = value` may come first; the last line is the value: one number for each token or completion.
    """
    text = text.replace("\r\n", "\n").replace("\t", " ").rstrip()
    _check_text(text)
    lines = text.split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    try:
        formula = _parsed([line[margin:] for line in lines], text, kind)
    except FormulaError as error:
        error.column += margin
        raise
    if kind == OBJECTIVE and not moves(formula):
        names = ", ".join(name for name, stream in names_for(kind).items() if stream.moves)
        what = "nothing in this moves with the policy, so there is no gradient to learn from."
        raise FormulaError(len(lines), margin + 1, what, f"Use {names} outside of stop, sign, rank and comparisons.")
    return formula


def _parsed(lines: list[str], text: str, kind: str) -> Formula:
    try:
        body = ast.parse("\n".join(lines)).body
    except SyntaxError as error:
        what = f"this cannot be read ({error.msg})."
        raise FormulaError(error.lineno or 1, max(1, error.offset or 1), what) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise FormulaError(1, 1, f"this cannot be read ({type(error).__name__}).", "Write it shorter.") from None
    reader = _Reader(kind, lines)
    for statement in body[:-1]:
        reader.line(statement)
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr):
        place = (1, 1) if last is None else (last.lineno, last.col_offset + 1)
        raise FormulaError(*place, "the last line is the value itself.", "End with an expression, without a name.")
    value = reader.node(last.value, 0)
    if value.shape == Shape.NUMBER:
        what = "this is one number for the whole batch."
        names = ", ".join(names_for(kind))
        raise FormulaError(last.lineno, 1, what, f"Use a quantity of a completion or token: {names}.")
    return Formula(kind, text, tuple(reader.lines.items()), value, tuple(reader.needs))


def _check_text(text: str) -> None:
    if not text.strip():
        raise FormulaError(1, 1, "the formula is empty.", "Write an expression.")
    if len(text) > LONGEST:
        raise FormulaError(1, LONGEST + 1, f"the formula has {len(text)} characters; at most {LONGEST}.")
    depth = 0
    line, start = 1, 0
    for place, letter in enumerate(text):
        if letter == "\n":
            line, start = line + 1, place + 1
        if letter not in ALLOWED_SIGNS:
            raise FormulaError(line, place - start + 1, f"the character {letter!r} means nothing here.")
        depth += (letter == "(") - (letter == ")")
        if depth > MOST_BRACKETS:
            raise FormulaError(line, place - start + 1, "brackets are nested too deeply.", "Name parts of it first.")


@dataclass
class _Reader:
    """One text's nodes, the names that its lines gave, and what it needs."""

    kind: str
    text: list[str]
    lines: dict[str, Node] = field(default_factory=dict)
    needs: dict[str, None] = field(default_factory=dict)
    count: int = 0

    def line(self, statement: ast.stmt) -> None:
        """A line `name = value`."""
        given = statement.targets if isinstance(statement, ast.Assign) else []
        if not isinstance(statement, ast.Assign) or len(given) != 1 or not isinstance(given[0], ast.Name):
            raise _at(statement, "a line before the last one gives a value a name.", "Write name = value.")
        name = given[0].id
        _check_name(given[0], name)
        if name in names_for(self.kind) or name in FUNCTIONS or name in REDUCTIONS or name in SCOPES:
            raise _at(given[0], f"{name} has a meaning already.", "Take another name.")
        if name in self.lines:
            raise _at(given[0], f"{name} was given a value already.", "Take another name.")
        self.lines[name] = self.node(statement.value, 0)

    def node(self, found: ast.expr, depth: int) -> Node:
        """One expression."""
        self.count += 1
        if self.count > MOST_NODES:
            raise _at(found, f"the formula has more than {MOST_NODES} parts.", "Write it shorter.")
        if depth > DEEPEST:
            raise _at(found, "parts are nested too deeply.", "Name parts of it first.")
        if isinstance(found, ast.Constant):
            return self._number(found)
        if isinstance(found, ast.Name):
            return self._name(found)
        if isinstance(found, ast.UnaryOp) and isinstance(found.op, ast.USub | ast.UAdd):
            inner = self.node(found.operand, depth + 1)
            return Negative(inner, inner.shape) if isinstance(found.op, ast.USub) else inner
        if isinstance(found, ast.BinOp):
            return self._binary(found, depth)
        if isinstance(found, ast.Compare):
            return self._compared(found, depth)
        if isinstance(found, ast.Call):
            return self._call(found, depth)
        mend = "Numbers, names, + - * / **, comparisons and functions may stand here."
        raise _at(found, f"{_word(found)} has no place in a formula.", mend)

    def _name(self, found: ast.Name) -> Node:
        _check_name(found, found.id)
        if found.id in self.lines:
            return Name(found.id, self.lines[found.id].shape)
        known = names_for(self.kind)
        if found.id in known:
            self.needs |= dict.fromkeys(known[found.id].needs)
            return Name(found.id, known[found.id].shape)
        if found.id in SCOPES:
            raise _at(found, f"{found.id} is a scope: it stands second in a reduction, as in mean(r, group).")
        if found.id in FUNCTIONS or found.id in REDUCTIONS:
            raise _at(found, f"{found.id} is a function: give it a value in brackets.")
        if found.id in NAMES:
            raise _at(found, f"there is no {found.id!r} in {self.kind}.", _nearest(found.id, [*known, *self.lines]))
        raise _at(found, f"there is no {found.id!r}.", _nearest(found.id, [*known, *self.lines]))

    def _binary(self, found: ast.BinOp, depth: int) -> Node:
        sign = SIGNS.get(type(found.op))
        if sign is None:
            raise _at(found, "only + - * / ** may stand between two values.")
        left, right = self.node(found.left, depth + 1), self.node(found.right, depth + 1)
        if sign == "**":
            _check_power(found, left, right)
        if sign == "/" and constant(right) == 0:
            raise _at(found.right, "this divides by zero.")
        made = Binary(sign, left, right, max(left.shape, right.shape), _place(found))
        if not math.isfinite(constant(made) or 0.0):
            raise _at(found, "this number is too large, or none at all.")
        return made

    def _compared(self, found: ast.Compare, depth: int) -> Node:
        sign = COMPARED.get(type(found.ops[0]))
        if len(found.ops) != 1 or sign is None:
            raise _at(found, "a comparison has two sides: < <= > >= == or !=.")
        left, right = self.node(found.left, depth + 1), self.node(found.comparators[0], depth + 1)
        return Binary(sign, left, right, max(left.shape, right.shape), _place(found))

    def _call(self, found: ast.Call, depth: int) -> Node:
        if not isinstance(found.func, ast.Name):
            raise _at(found, "only a function's name may be called.")
        name = found.func.id
        _check_name(found.func, name)
        if name not in FUNCTIONS and name not in REDUCTIONS:
            raise _at(found, f"there is no function {name!r}.", _nearest(name, [*FUNCTIONS, *REDUCTIONS]))
        if found.keywords or any(isinstance(one, ast.Starred) for one in found.args):
            raise _at(found, f"{name} takes its values in their order, without names or stars.")
        scope = found.args[-1].id if found.args and isinstance(found.args[-1], ast.Name) else ""
        if name in REDUCTIONS and (scope in SCOPES or name not in FUNCTIONS):
            return self._reduction(found, name, scope, depth)
        function = FUNCTIONS[name]
        if not 0 <= len(found.args) - function.arguments <= int(function.discount):
            what = f"{name} takes {function.arguments} value{'s' if function.arguments > 1 else ''}, not "
            raise _at(found, what + f"{len(found.args)}.", f"{function.words}.")
        arguments = tuple(self.node(one, depth + 1) for one in found.args)
        if len(arguments) > function.arguments and not 0 <= _or(constant(arguments[-1]), -1.0) <= 1:
            raise _at(found.args[-1], "a discount is a number from 0 to 1.", f"Write {name}(x, 0.9).")
        shape = max(argument.shape for argument in arguments)
        if name in ("before", "after", "next") and shape != Shape.TOKEN:
            raise _at(found, f"{name} goes along tokens, and this has no value for each token.")
        return Call(name, arguments, shape, place=_place(found))

    def _reduction(self, found: ast.Call, name: str, scope: str, depth: int) -> Node:
        if len(found.args) != 2 or scope not in SCOPES:
            raise _at(found, f"{name} takes a value and a scope.", f"Write {name}(x, group), batch or completion.")
        if scope == "batch" and self.kind == OBJECTIVE:
            what = "an objective sees the batch in parts, so nothing can be taken over all of it."
            raise _at(found.args[-1], what, "Take it over group or completion, or in credit.")
        inner = self.node(found.args[0], depth + 1)
        if inner.shape == Shape.NUMBER:
            raise _at(found, f"{name} over the {scope} of one number is that number.", "Leave it out.")
        if scope == "completion" and inner.shape != Shape.TOKEN:
            raise _at(found, f"this has one value a completion already; there is nothing to take the {name} of.")
        return Call(name, (inner,), inner.shape if name == "rank" else Shape.COMPLETION, scope, _place(found))

    def _number(self, found: ast.Constant) -> Number:
        written = self.text[found.lineno - 1][found.col_offset : found.end_col_offset]
        if not WRITTEN.fullmatch(written):
            raise _at(found, f"{written:.20} is no number.", "Write numbers as 1000, 0.5 or 1e-4.")
        if not math.isfinite(float(written)) or len(written) > LONGEST_NAME:
            raise _at(found, "this number is too long or too large.")
        return Number(float(written))


def _place(found: ast.expr) -> tuple[int, int]:
    return found.lineno, found.col_offset + 1


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _check_power(found: ast.BinOp, base: Node, power: Node) -> None:
    if isinstance(base, Binary) and base.sign == "**":
        raise _at(found, "a power of a power is one power.", "Multiply the two.")
    inner = power.inner if isinstance(power, Negative) else power
    if not isinstance(inner, Number) or abs(inner.value) > LARGEST_POWER:
        what = f"a power is a number between -{LARGEST_POWER:g} and {LARGEST_POWER:g}."
        raise _at(found.right, what, "Use exp(x * log(y)) for others.")


def _check_name(place: ast.expr, name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise _at(place, f"this name has {len(name)} letters; at most {LONGEST_NAME}.")
    if name.startswith("_"):
        raise _at(place, f"{name!r} starts with an underscore, as no name here does.")


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}? " if close else f"There are: {', '.join(known)}."


def _word(found: ast.expr) -> str:
    """What stands there, in plain words."""
    words = {"Attribute": "a dot", "Subscript": "an index", "Lambda": "lambda", "Tuple": "a comma without a function"}
    return words.get(type(found).__name__, f"this ({type(found).__name__})")


def _at(place: ast.expr | ast.stmt, what: str, mend: str = "") -> FormulaError:
    return FormulaError(place.lineno, place.col_offset + 1, what, mend.strip())
