"""Names in expressions, and what loops make them mean."""

import ast
from typing import Any


class NotOutside(Exception):
    """This cannot be evaluated outside of the sandbox."""


def dotted(node: ast.expr) -> str:
    """`name` or `module.name`; empty for any other expression."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def bound(target: ast.expr, value: Any) -> dict[str, Any]:
    """The names of a loop's target with their values. ValueError: they do not fit."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if not isinstance(target, ast.Tuple | ast.List):
        raise NotOutside
    found: dict[str, Any] = {}
    for each, part in zip(target.elts, value, strict=True):
        found |= bound(each, part)
    return found
