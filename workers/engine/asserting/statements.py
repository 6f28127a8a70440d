"""Tests as steps: what is run inside, what is asked there, and what has to be true of the answers."""

import ast
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from workers.engine.asserting.binding import NotOutside, bound
from workers.engine.asserting.looks import Asked, asserts, is_nothing, only_compared
from workers.engine.asserting.loops import FAILURES, MOST_TURNS
from workers.engine.asserting.split import Split
from workers.engine.asserting.trees import bound_in, replaced, used_in

FIXED = (type(None), bool, int, float, complex, str, bytes)
MOST_STEPS = 2000


class _NotApart(Exception):
    """This test cannot be taken apart."""


@dataclass
class _Test:
    names: dict[str, Any]
    checking: dict[str, ast.FunctionDef]
    taken: Collection[str]
    steps: list[dict[str, str]] = field(default_factory=list)
    checks: list[ast.expr] = field(default_factory=list)
    answers: int = 0
    taken_on: int = 0
    trusts: bool = False

    def take(self, statements: list[ast.stmt], depth: int = 0) -> None:
        """Add the steps and checks of statements."""
        for statement in statements:
            self.taken_on += 1
            if max(len(self.steps), self.taken_on) > MOST_STEPS or depth > 5:
                raise _NotApart
            if isinstance(statement, ast.Assert):
                self._check(statement.test)
            elif isinstance(statement, ast.FunctionDef) and asserts(statement):
                self.checking[statement.name] = statement
            elif (inner := self._called(statement)) is not None:
                self.take(inner, depth + 1)
            elif isinstance(statement, ast.For) and asserts(statement):
                for turn in self._turns(statement):
                    self.take(turn, depth + 1)
            elif asserts(statement) or used_in(statement) & set(self.checking):
                raise _NotApart
            elif not is_nothing(statement):
                self._run(statement, statements)

    def _check(self, test: ast.expr) -> None:
        split = Split(self.names, self.taken)
        found = split.truth(test)
        if any(isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for node in ast.walk(test)):
            raise _NotApart
        moved = {str(n): ast.Name(str(n + self.answers)) for n in range(len(split.asked))}
        self.checks.append(replaced(found, moved))
        self.steps += split.asked
        self.answers += len(split.asked)
        self.trusts |= split.trusts

    def _called(self, statement: ast.stmt) -> list[ast.stmt] | None:
        """What a call `check(f)` of a function of the test's own would do."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
        if not isinstance(call, ast.Call) or name not in self.checking:
            return None
        function = self.checking[name]
        given, parameters = call.args, [each.arg for each in function.args.args]
        if (
            call.keywords
            or len(given) != len(parameters)
            or any(isinstance(each, ast.Return) for each in ast.walk(function))
        ):
            raise _NotApart
        return [replaced(each, dict(zip(parameters, given, strict=True))) for each in function.body]

    def _turns(self, loop: ast.For) -> list[list[ast.stmt]]:
        well, values = Split(self.names, self.taken).known(loop.iter)
        if not well or loop.orelse or any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(loop)):
            raise _NotApart
        turns = list(islice(values, MOST_TURNS + 1))
        if len(turns) > MOST_TURNS:
            raise _NotApart
        return [[replaced(each, bound(loop.target, value)) for each in loop.body] for value in turns]

    def _run(self, statement: ast.stmt, beside: list[ast.stmt]) -> None:
        target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
        if isinstance(statement, ast.Assign) and isinstance(target, ast.Name):
            well, value = Split(self.names, self.taken).known(statement.value)
            if well and (type(value) in FIXED or only_compared(target.id, beside)):
                self.names[target.id] = value  # written wherever it is used, and not there to be found
                return
        for name in sorted(used_in(statement) & set(self.names)):
            self.steps.append({"run": f"{name} = {self.names[name]!r}"})
        self.steps.append({"run": ast.unparse(statement)})
        for name in bound_in(statement):
            self.names.pop(name, None)


def asked(tests: tuple[str, ...], taken: frozenset[str] = frozenset()) -> tuple[Asked, ...]:
    """The tests of one program, taken apart as far as that can be done; `taken` are the names that it defines."""
    names: dict[str, Any] = {}
    checking: dict[str, ast.FunctionDef] = {}
    found = []
    for text in tests:
        test = _Test(dict(names), dict(checking), taken)
        try:
            test.take(ast.parse(text.strip()).body)
        except (_NotApart, NotOutside, SyntaxError, *FAILURES):
            before = [f"{name} = {value!r}" for name, value in names.items()]
            whole = "\n".join([*before, *map(ast.unparse, checking.values()), text])
            found.append(Asked(({"run": whole},), (), True))
            continue
        names, checking = test.names, test.checking
        found.append(Asked(tuple(test.steps), tuple(test.checks), test.trusts or not test.checks))
    return tuple(found)
