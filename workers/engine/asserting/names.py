"""What tests of programs may ask of values outside of the sandbox: Python's own operators and functions, each bounded,
for the values may be a policy's."""

import ast
import math
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

from workers.engine.asserting.nearness import Near, allclose

LONGEST, MOST_BITS = 100_000, 100_000  # of a sequence; of a number


def _bounded(what: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(*given: Any, **named: Any) -> Any:
        if any(isinstance(each, range) and len(each) > LONGEST for each in given):
            raise ValueError("too long")
        if what is round and len(given) > 1 and abs(given[1]) > 50:
            raise ValueError("too far")
        return what(*given, **named)

    return bounded


TYPES = {one.__name__: one for one in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)}
# Functions that make one value of another, and functions that say whether something is so.
MAKING: dict[str, Callable[..., Any]] = {
    "abs": abs, "Counter": Counter, "enumerate": enumerate, "len": len, "max": max, "min": min, "range": range,
    "reversed": reversed, "round": round, "sorted": sorted, "sum": sum, "zip": zip, "type": lambda x: type(x),
    "approx": Near, "pytest.approx": Near, "math.sqrt": math.sqrt, "math.floor": math.floor, "math.ceil": math.ceil,
    "math.fabs": math.fabs, "math.log": math.log, "math.exp": math.exp,
    "math.factorial": lambda n: math.factorial(n) if n < 2000 else 1 / 0,
    **{name: kind for name, kind in TYPES.items() if name not in ("bytes", "frozenset")},
}  # fmt: skip
SAYING: dict[str, Callable[..., Any]] = {
    "all": all, "any": any, "isinstance": isinstance, "bool": bool, "math.isclose": math.isclose,
    "isclose": math.isclose, "math.isnan": math.isnan, "math.isinf": math.isinf, "np.isclose": allclose,
    "np.allclose": allclose, "numpy.isclose": allclose, "numpy.allclose": allclose,
}  # fmt: skip
OWN = {name: _bounded(what) for name, what in (MAKING | SAYING).items()}
VALUES = {"math.pi": math.pi, "math.e": math.e, "math.inf": math.inf, "math.nan": math.nan}
METHODS = ("startswith", "endswith", "isdigit", "isalpha", "isupper", "islower", "lower", "upper", "strip")  # of texts
UNARY: dict[type[ast.unaryop], Any] = {
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
}  # fmt: skip
BINARY: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
COMPARING: dict[type[ast.cmpop], Any] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


def large(op: ast.operator, left: Any, right: Any) -> bool:
    """Whether the result of an operation might be larger than one would wait for."""
    many = (str, bytes, list, tuple)
    if isinstance(op, ast.Mult) and isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length() > MOST_BITS
    if isinstance(op, ast.Mult):
        return any(isinstance(a, many) and len(a) * b > LONGEST for a, b in ((left, right), (right, left)))
    if isinstance(op, ast.Add) and isinstance(left, many) and isinstance(right, many):
        return len(left) + len(right) > LONGEST
    return isinstance(op, ast.Pow) and isinstance(left, int) and left.bit_length() * abs(right) > MOST_BITS
