"""What a formula's nodes tell without computing on a batch: constants, gradients, scopes, the streams in use."""

import math
from collections.abc import Iterator

from workers.contract.formula.nodes import Binary, Call, Formula, Name, Negative, Node, Number
from workers.contract.formula.words import NAMES

FLAT = ("stop", "sign", "rank", "count")  # functions that let no gradient through
ARITHMETIC = "+-*/"


def nodes(formula: Formula) -> Iterator[Node]:
    """Every node of the lines and of the value."""
    waiting = [node for _, node in formula.lines] + [formula.value]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _inner(node)


def _inner(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Binary):
        return (node.left, node.right)
    return (node.inner,) if isinstance(node, Negative) else ()


def streams(formula: Formula) -> list[str]:
    """The named streams that it uses, in the order of the table."""
    used = {node.name for node in nodes(formula) if isinstance(node, Name)}
    return [name for name in NAMES if name in used]


def scopes(formula: Formula) -> set[str]:
    """The scopes of its reductions."""
    return {node.scope for node in nodes(formula) if isinstance(node, Call) and node.scope}


def moves(formula: Formula) -> bool:
    """Whether its value has a gradient: whether a stream that moves with the policy reaches it."""
    lines: dict[str, bool] = {}
    for name, node in formula.lines:
        lines[name] = _moves(node, lines)
    return _moves(formula.value, lines)


def _moves(node: Node, lines: dict[str, bool]) -> bool:
    if isinstance(node, Name):
        return lines[node.name] if node.name in lines else NAMES[node.name].moves
    if isinstance(node, Call) and node.function in FLAT:
        return False
    if isinstance(node, Binary) and node.sign not in (*ARITHMETIC, "**"):
        return False  # a comparison
    inner = _inner(node)
    if isinstance(node, Call) and node.function == "where":
        inner = inner[1:]
    return any(_moves(one, lines) for one in inner)


def constant(node: Node) -> float | None:
    """The value of arithmetic on written numbers, infinite where it has none; None with a name or function in it."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Negative):
        inner = constant(node.inner)
        return None if inner is None else -inner
    if not isinstance(node, Binary):
        return None
    left, right = constant(node.left), constant(node.right)
    return None if left is None or right is None else _computed(node.sign, left, right)


def _computed(sign: str, left: float, right: float) -> float | None:
    try:
        if sign == "**":
            made = left**right
            return made if isinstance(made, float) else math.inf  # a root of a negative number is complex
        if sign in ARITHMETIC:
            return {"+": left + right, "-": left - right, "*": left * right}[sign] if sign != "/" else left / right
    except (ZeroDivisionError, OverflowError):
        return math.inf
    return None
