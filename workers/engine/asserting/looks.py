"""A test as it is asked, and what its statements look like."""

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """What the sandbox is told of a test: `steps`, each {"run": statements}, {"value": expression} or {"truth":
    expression}; and what must be true outside, with the answers by their number as names. `trusts`: the program could
    claim that it passed."""

    steps: tuple[dict[str, str], ...]
    checks: tuple[ast.expr, ...] = ()
    trusts: bool = False


def asserts(statement: ast.stmt) -> bool:
    """Whether anything is asserted in it."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(statement))


def is_nothing(statement: ast.stmt) -> bool:
    """A text that stands for itself, `pass`, or an import of what is not needed, and not there, inside."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        module = statement.module if isinstance(statement, ast.ImportFrom) else statement.names[0].name
        return module == "pytest"
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or isinstance(statement, ast.Pass)


def only_compared(name: str, statements: list[ast.stmt]) -> bool:
    """Whether what a name means is only ever compared: nothing changes it, and the program is not given it."""
    walked = [node for statement in statements for node in ast.walk(statement)]
    sides = [side for node in walked if isinstance(node, ast.Compare) for side in (node.left, *node.comparators)]
    loads = [node for node in walked if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return sum(node.id == name for node in loads) == sum(
        isinstance(side, ast.Name) and side.id == name for side in sides
    )
