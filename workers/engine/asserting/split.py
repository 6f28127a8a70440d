"""Takes the assertion of a test apart: what the program has to compute is asked of it, what is wanted stays outside."""

import ast
import builtins
import sys
from collections.abc import Collection, Mapping
from typing import Any

from workers.engine.asserting.binding import NotOutside, dotted
from workers.engine.asserting.loops import FAILURES, does_nothing_else, joined
from workers.engine.asserting.names import MAKING, METHODS, OWN, SAYING
from workers.engine.asserting.outside import Outside
from workers.engine.asserting.trees import mapped, replaced

DEEP = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp)
PRIMARY = (ast.Call, ast.Name, ast.Attribute, ast.Subscript)


class Split:
    """One test's questions, in their order. `names` are values that the test itself has named, `taken` the names that
    the program defines; `trusts`: the program could claim what is asked of it."""

    def __init__(self, names: Mapping[str, Any], taken: Collection[str]) -> None:
        self.asked: list[dict[str, str]] = []
        self.trusts = False
        self._names, self._taken = names, taken

    def truth(self, node: ast.expr) -> ast.expr:
        """What is to be evaluated outside for an assertion of `node`, in which names that are numbers are answers."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self.truth(node.operand))
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, [self.truth(each) for each in node.values])
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call) and (self._is_own(node.func, OWN) or _is_method(node.func)):
            unrolled = joined(node, self.known)
            return self._deep(node) if unrolled is None else self.truth(unrolled)
        self.trusts |= not isinstance(node, PRIMARY) or self._is_foreign(node)
        return self._ask("truth", node)

    def known(self, node: ast.expr) -> tuple[bool, Any]:
        """Whether an expression needs nothing of the program, and its value."""
        try:
            return True, Outside(self._names, self._taken).of(node)
        except (NotOutside, *FAILURES):
            return False, None

    def _compared(self, node: ast.Compare) -> ast.expr:
        sides = [node.left, *node.comparators]
        unknown = [side for side in sides if not self.known(side)[0]]
        equal = all(isinstance(op, ast.Eq) for op in node.ops)
        if len(unknown) == 1 and all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            return self._ask("truth", node)  # no object can pretend to be another
        if len(unknown) == 1 and equal:  # the program does not find the other side: it may compute this one as it likes
            sides = [self._side(side) if side is unknown[0] else self._kept(side) for side in sides]
        elif any(self._may_be_object(side, len(unknown) > 1) for side in unknown):
            self.trusts = True  # what is compared may be no plain values, and both may be the program's to choose
            return self._ask("truth", node)
        else:
            sides = [self._deep(side) for side in sides]
        return ast.Compare(sides[0], node.ops, sides[1:])

    def _may_be_object(self, node: ast.expr, anything: bool) -> bool:
        """Whether a side may be something else than a plain value; `anything` that the program gives may be."""
        if isinstance(node, ast.Call) and (anything or _last(node.func)[:1].isupper()):
            return not (self._is_own(node.func, OWN) or _is_method(node.func))
        return isinstance(node, ast.Name | ast.Attribute) or (anything and isinstance(node, ast.Subscript))

    def _is_foreign(self, node: ast.expr) -> bool:
        """Whether it is a function of Python's own libraries, which the program could change."""
        root = dotted(getattr(node, "func", node)).partition(".")[0]
        return (hasattr(builtins, root) or root in sys.stdlib_module_names) and root not in self._taken

    def _side(self, node: ast.expr) -> ast.expr:
        """All of it is the program's, unless a value of the test stands in it, which might be what is wanted."""
        if isinstance(node, ast.Call) and self._is_own(node.func, SAYING):
            return self.truth(node)
        if isinstance(node, ast.Call) and self._is_own(node.func, MAKING):
            given = node.args[:1] if dotted(node.func) == "round" else node.args
            if dotted(node.func) == "type" or any(self.known(each)[0] or isinstance(each, DEEP) for each in given):
                return self._deep(node)
        return self._deep(node) if isinstance(node, DEEP) else self._ask("value", node)

    def _deep(self, node: ast.expr) -> ast.expr:
        """The smallest parts that only the program can give; the rest is done outside."""
        if self.known(node)[0]:
            return self._kept(node)
        if isinstance(node, ast.Call) and self._is_own(node.func, OWN):
            named = [ast.keyword(each.arg, self._deep(each.value)) for each in node.keywords]
            return ast.Call(node.func, [self._deep(each) for each in node.args], named)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_method(node.func):
            given = [self._deep(each) for each in node.args]
            return ast.Call(ast.Attribute(self._deep(node.func.value), node.func.attr), given, [])
        if isinstance(node, ast.GeneratorExp | ast.ListComp) and does_nothing_else(node, self._names, self._taken):
            (loop,) = node.generators
            made = ast.comprehension(loop.target, self._deep(loop.iter), loop.ifs, 0)
            return type(node)(node.elt, [made])
        if isinstance(node, DEEP) and not _is_spread(node):
            before = len(self.asked)
            found = mapped(node, self._deep)
            if len(self.asked) == before:  # nothing of the program's in it, and yet it cannot be done outside
                raise NotOutside
            return found
        self.trusts |= not isinstance(node, PRIMARY) or self._is_foreign(node)
        return self._ask("value", node)

    def _ask(self, how: str, node: ast.expr) -> ast.expr:
        self.asked.append({how: ast.unparse(replaced(node, self._names))})
        return ast.Name(str(len(self.asked) - 1))

    def _kept(self, node: ast.expr) -> ast.expr:
        return ast.Constant(self.known(node)[1])

    def _is_own(self, node: ast.expr, names: Collection[str]) -> bool:
        """Whether it is one of these names of Python's, and nothing of the program's."""
        name = dotted(node)
        return name in names and name.partition(".")[0] not in {*self._taken, *self._names}


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else dotted(function)


def _is_spread(node: ast.expr) -> bool:
    """Whether parts of it are several at once, as in `[*f(2)]` and `{**f(2)}`."""
    if isinstance(node, ast.Dict):
        return None in node.keys
    return isinstance(node, ast.List | ast.Tuple | ast.Set) and any(isinstance(one, ast.Starred) for one in node.elts)


def _is_method(function: ast.expr) -> bool:
    """Whether it is a method of texts, of what a function gives (objects may have methods of these names too)."""
    if not isinstance(function, ast.Attribute) or function.attr not in METHODS:
        return False
    given = function.value
    return isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id[:1].islower()
