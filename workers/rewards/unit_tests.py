"""Unit tests: the share of a prompt's tests that a completion's Python program passes.

Pick it for programming tasks. Each program runs in the sandbox by itself, with its tests, for a bounded time; what it
does there reaches nobody. Of a test such as `assert f(2) == 3` the program is only asked for `f(2)`: what is wanted
never enters the sandbox, and is compared outside. So it is with most assertions, also within loops over values of the
test's own and within `check(f)`. Statements that assert nothing prepare the test that follows them.

Doubts: a test that only runs (`with`, `try`, calls of other libraries) shares its process with the program, which could
claim that it passed; a note beside the completion says so.
"""

import ast
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Real, Source, Text
from workers.contract.fenced import answer_of, code_in, last_block
from workers.contract.services import Program, Programs, Ran
from workers.contract.values import Values

TRUSTING = "{} of {} tests run in the program's own process only: it could have claimed that it passed."

CARD = Card(
    title="Unit tests",
    formula=r"r_i = \frac{1}{|T_i|} \sum_{t \in T_i} \mathbb{1}[\,c(y_i) \text{ passes } t\,]",
    source=Source(
        "Le et al., 2022",
        "arXiv:2207.01780",
        "section 3.2, returns from unit tests",
        "https://arxiv.org/abs/2207.01780",
    ),
    symbols={
        "r_i": "reward of completion i; with all or nothing 1 where the sum is full, else 0",
        "T_i": "tests of the prompt",
        "c(y_i)": "program that the completion gives",
    },
    relatives=("rewards/sql_result",),
    bounds=(0.0, 1.0),
)


def reward(
    answers: Answers,
    programs: Programs,
    *,
    column: Annotated[str, Text(80), "column with the tests: a list of statements, or one text of them"] = "tests",
    counts: Annotated[str, Choice(("share", "all or nothing")), "what passing a part of the tests is worth"] = "share",
    seconds: Annotated[float, Real(0.1, 60), "longest time for a program with all its tests"] = 2.0,
    where: Annotated[
        str, Choice(("last block", "whole answer")), "the program is the last fenced block, or that or else all"
    ] = "whole answer",
) -> Values:
    """A number from 0 to 1 a completion; None where the prompt has no tests. ValueError for an unknown column, and for
    tests that are no Python."""
    tests = [_tests(given) for given in answers.column(column)]
    asked = [n for n, each in enumerate(tests) if each]
    ran = programs([Program(_program(answers.texts[n], where), tests[n]) for n in asked], seconds)
    found = {n: _value(one, counts) for n, one in zip(asked, ran, strict=True)}
    notes = {
        n: TRUSTING.format(one.trusting, len(one.passed)) for n, one in zip(asked, ran, strict=True) if one.trusting
    }
    return Values([found.get(n) for n in range(len(tests))], notes=notes)


def _program(text: str, where: str) -> str:
    return code_in(text, "python") if where == "whole answer" else last_block(answer_of(text), "python") or ""


def _tests(given: Any) -> tuple[str, ...]:
    """Tests as texts of statements: whatever checks something, with the statements before it that only prepare."""
    whole = isinstance(given, str)
    found: list[str] = []
    before: list[str] = []
    for text in [given] if whole else map(str, given or ()):
        try:
            parts = [(_written(each), _prepares(each)) for each in ast.parse(text).body]
        except SyntaxError as error:
            if whole:
                raise ValueError(f"the tests are no Python: line {error.lineno}: {error.msg}") from None
            parts = [(text, False)]  # it fails, whatever the program does
        if not whole:
            parts = [("\n".join(part for part, _ in parts), all(prepares for _, prepares in parts))]
        for part, prepares in parts:
            before.append(part)
            if not prepares:
                found.append("\n".join(before))
                before = []
    return tuple(found)


def _written(statement: ast.stmt) -> str:
    """A statement as text; a function `test_…()`, as pytest has them, is called as well."""
    called = f"\n{statement.name}()" if _is_case(statement) and isinstance(statement, ast.FunctionDef) else ""
    return ast.unparse(statement) + called


def _prepares(statement: ast.stmt) -> bool:
    named = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or (isinstance(statement, named) and not _is_case(statement))


def _is_case(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_") and not statement.args.args


def _value(ran: Ran, counts: str) -> float:
    return sum(ran.passed) / len(ran.passed) if counts == "share" else float(all(ran.passed))
