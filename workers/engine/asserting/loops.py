"""Loops within a test's expression: over values of the test's own, and over what the program gives."""

import ast
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Any

from workers.engine.asserting.binding import NotOutside, bound, dotted
from workers.engine.asserting.outside import Outside
from workers.engine.asserting.trees import replaced

FAILURES = (TypeError, ValueError, ArithmeticError, LookupError, RecursionError, MemoryError, AttributeError)
MOST_TURNS = 1000


def joined(node: ast.Call, known: Callable[[ast.expr], tuple[bool, Any]]) -> ast.expr | None:
    """`all(test for x in values)`, where the values are the test's own, as `test and test …`; None: it is another."""
    loop = node.args[0] if len(node.args) == 1 else None
    joining = {"all": ast.And(), "any": ast.Or()}.get(dotted(node.func))
    if joining is None or not isinstance(loop, ast.GeneratorExp | ast.ListComp) or len(loop.generators) != 1:
        return None
    (turns,) = loop.generators
    well, values = known(turns.iter)
    values = list(islice(values, MOST_TURNS + 1)) if well else []
    if turns.ifs or not 0 < len(values) <= MOST_TURNS:
        return None
    return ast.BoolOp(joining, [replaced(loop.elt, bound(turns.target, value)) for value in values])


def does_nothing_else(node: ast.GeneratorExp | ast.ListComp, names: Mapping[str, Any], taken: Collection[str]) -> bool:
    """Whether a loop does nothing to what it is over that cannot be done outside."""
    inner = {each.id for loop in node.generators for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
    tried = Outside(dict.fromkeys(inner, 1) | dict(names), taken)
    for part in [node.elt, *(test for loop in node.generators for test in loop.ifs)]:
        try:
            tried.of(part)
        except NotOutside:
            return False
        except FAILURES:
            continue
    return len(node.generators) == 1
