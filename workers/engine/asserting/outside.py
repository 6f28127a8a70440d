"""Evaluates expressions outside of the sandbox. Whatever is not named here or in `names` is not done (`NotOutside`)."""

import ast
from collections.abc import Collection, Mapping
from typing import Any

from workers.engine.asserting.binding import NotOutside, bound, dotted
from workers.engine.asserting.names import BINARY, COMPARING, METHODS, OWN, TYPES, UNARY, VALUES, large

MOST_STEPS = 20_000  # of one expression


class Outside:
    """Evaluates expressions with `names`; the names in `taken` are another's, whatever they mean in Python."""

    def __init__(self, names: Mapping[str, Any], taken: Collection[str] = ()) -> None:
        self._names, self._taken, self._steps = dict(names), taken, 0

    def of(self, node: ast.expr) -> Any:
        """Its value. NotOutside; or whatever the operation raises."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError("too long")
        found = getattr(self, f"_{type(node).__name__.lower()}", None)
        if found is None:
            raise NotOutside
        return found(node)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self._names:
            return self._names[node.id]
        if node.id in TYPES and node.id not in self._taken:
            return TYPES[node.id]
        raise NotOutside

    def _attribute(self, node: ast.Attribute) -> Any:
        if dotted(node) not in VALUES:
            raise NotOutside
        return VALUES[dotted(node)]

    def _list(self, node: ast.List) -> Any:
        return [self.of(each) for each in node.elts]

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._list(ast.List(node.elts)))

    def _set(self, node: ast.Set) -> Any:
        return set(self._list(ast.List(node.elts)))

    def _dict(self, node: ast.Dict) -> Any:
        if None in node.keys:
            raise NotOutside
        return {self.of(key): self.of(each) for key, each in zip(node.keys, node.values, strict=True) if key}

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return UNARY[type(node.op)](self.of(node.operand))

    def _boolop(self, node: ast.BoolOp) -> Any:
        value = None
        for each in node.values:
            value = self.of(each)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.of(node.body if self.of(node.test) else node.orelse)

    def _compare(self, node: ast.Compare) -> Any:
        left = self.of(node.left)
        for op, other in zip(node.ops, node.comparators, strict=True):
            right = self.of(other)
            if not COMPARING[type(op)](left, right):
                return False
            left = right
        return True

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.of(node.left), self.of(node.right)
        if type(node.op) not in BINARY or (isinstance(node.op, ast.Mod) and isinstance(left, str | bytes)):
            raise NotOutside
        if large(node.op, left, right):
            raise ValueError("too large")
        return BINARY[type(node.op)](left, right)

    def _subscript(self, node: ast.Subscript) -> Any:
        return self.of(node.value)[self.of(node.slice)]

    def _slice(self, node: ast.Slice) -> Any:
        return slice(*[None if each is None else self.of(each) for each in (node.lower, node.upper, node.step)])

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> list[Any]:
        if len(node.generators) != 1:
            raise NotOutside
        (loop,), kept, found = node.generators, self._names, []
        for value in self.of(loop.iter):
            self._names = kept | bound(loop.target, value)
            if all(self.of(test) for test in loop.ifs):
                found.append(self.of(node.elt))
        self._names = kept
        return found

    _generatorexp = _listcomp

    def _setcomp(self, node: ast.SetComp) -> set[Any]:
        return set(self._listcomp(node))

    def _call(self, node: ast.Call) -> Any:
        name = dotted(node.func)
        given = [self.of(each) for each in node.args]
        named = {each.arg: self.of(each.value) for each in node.keywords if each.arg}
        if len(named) < len(node.keywords):
            raise NotOutside
        if name in OWN and name.partition(".")[0] not in {*self._taken, *self._names}:
            return OWN[name](*given, **named)
        value = self.of(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if isinstance(node.func, ast.Attribute) and isinstance(value, str) and node.func.attr in METHODS and not named:
            return getattr(value, node.func.attr)(*given)
        raise NotOutside
