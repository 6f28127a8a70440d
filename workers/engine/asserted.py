"""Tests of programs: what of them enters the sandbox, and what stays outside to be compared there."""

import ast
from dataclasses import dataclass
from typing import Any

NOTHING = object()


@dataclass(frozen=True)
class Asked:
    """What the sandbox is told of a test, and the value that must come back (NOTHING: it says itself whether the test
    passed)."""

    told: dict[str, str]
    wanted: Any = NOTHING


def asked(test: str) -> Asked:
    """A test taken apart: of `assert <expression> == <literal>` the literal stays here, so that whoever runs inside can
    neither read it nor equal everything."""
    try:
        body = ast.parse(test.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    if len(body) == 1 and isinstance(body[0], ast.Assert):
        compared = body[0].test
        if isinstance(compared, ast.Compare) and len(compared.ops) == 1 and isinstance(compared.ops[0], ast.Eq):
            wanted = _literal(compared.comparators[0])
            if wanted is not NOTHING:
                return Asked({"value": ast.unparse(compared.left)}, wanted)
    return Asked({"run": test})


def passed(result: Any, test: Asked) -> bool:
    """Whether what came back says that the test passed."""
    if not isinstance(result, dict):
        return False
    if test.wanted is NOTHING:
        return result.get("passed") is True
    text = result.get("value")
    return isinstance(text, str) and bool(_literal(text) == test.wanted)


def _literal(given: ast.expr | str) -> Any:
    try:
        return ast.literal_eval(given)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOTHING
