"""New syntax trees from old ones."""

import ast
from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from typing import Any, TypeVar

N = TypeVar("N", bound=ast.AST)


class _Replaced(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return deepcopy(self._values.get(node.id, node))


def bound_in(node: ast.AST) -> set[str]:
    """The names that are given a meaning somewhere in a tree: stored, or parameters."""
    walked = list(ast.walk(node))
    stored = {
        each.id for each in walked if isinstance(each, ast.Name) and isinstance(_context(each), ast.Store | ast.Del)
    }
    return stored | {each.arg for each in walked if isinstance(each, ast.arg)}


def used_in(node: ast.AST) -> set[str]:
    """The names that stand anywhere in a tree."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _context(node: ast.Name) -> ast.expr_context:
    return getattr(node, "ctx", ast.Load())


def _written(value: Any) -> ast.expr:
    tree = ast.parse(repr(value), mode="eval").body
    if ast.literal_eval(tree) != value:
        raise ValueError("it cannot be written")
    return tree


def replaced(node: N, values: Mapping[str, Any]) -> N:
    """A tree with values in place of names: expressions as they are, anything else as it is written. ValueError: it
    cannot be written, or one of the names means something else in the tree."""
    present = used_in(node) & set(values)
    if bound_in(node) & present:
        raise ValueError("a name of two meanings")
    trees = {name: value if isinstance(value := values[name], ast.expr) else _written(value) for name in present}
    found: N = _Replaced(trees).visit(deepcopy(node))
    return found


def mapped(node: ast.expr, what: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """An expression with each of those that it directly consists of changed."""
    made = copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            setattr(made, name, what(value))
        elif isinstance(value, list):
            setattr(made, name, [what(each) if isinstance(each, ast.expr) else each for each in value])
    return made
