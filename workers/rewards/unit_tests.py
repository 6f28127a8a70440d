"""Unit tests: the share of a prompt's tests that a completion's Python program passes.

Pick it for programming tasks. Each program runs in the sandbox by itself, with its tests, for a bounded time; what it
does there reaches nobody. A test `assert f(2) == 3` is the safest kind: its right side never enters the sandbox, so the
program has to compute it. Of any other test the program could claim that it passed, for both share one process.
"""

import ast
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Real, Source, Text
from workers.contract.fenced import answer_of, code_in, last_block
from workers.contract.services import Program, Programs, Ran

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
) -> list[float | None]:
    """A number from 0 to 1 a completion; None where the prompt has no tests. ValueError for an unknown column, and for
    tests that are no Python."""
    tests = [_tests(given) for given in answers.column(column)]
    asked = [n for n, each in enumerate(tests) if each]
    ran = programs([Program(_program(answers.texts[n], where), tests[n]) for n in asked], seconds)
    found = {n: _value(one, counts) for n, one in zip(asked, ran, strict=True)}
    return [found.get(n) for n in range(len(tests))]


def _program(text: str, where: str) -> str:
    return code_in(text, "python") if where == "whole answer" else last_block(answer_of(text), "python") or ""


def _tests(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        try:
            return tuple(ast.unparse(statement) for statement in ast.parse(given).body)
        except SyntaxError as error:
            raise ValueError(f"the tests are no Python: line {error.lineno}: {error.msg}") from None
    return tuple(str(test) for test in given or ())


def _value(ran: Ran, counts: str) -> float:
    return sum(ran.passed) / len(ran.passed) if counts == "share" else float(all(ran.passed))
