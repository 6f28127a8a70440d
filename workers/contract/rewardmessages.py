"""Whether a reward function takes prompts and completions as lists of messages {role, content}, told by its text."""

import ast
import re
from collections.abc import Iterator, Mapping

Definition = ast.FunctionDef | ast.AsyncFunctionDef
# How deep in a batch a name stands: 0 the batch, 1 one prompt or completion, 2 one message of it.
BATCHES = {"prompts": 0, "completions": 0}
MESSAGE = 2


def wants_messages(node: Definition) -> bool:
    """Whether it says so in an argument's type, or reads the `content` of a message: `completion[0]["content"]`."""
    for each in (*node.args.args, *node.args.kwonlyargs):
        if each.arg in BATCHES and each.annotation is not None:
            written = ast.unparse(each.annotation)
            if re.search(r"[Dd]ict|Mapping|Message", written):
                return not re.search(r"[Ll]ist\[str\]|Sequence\[str\]", written)
    names: dict[str, int] = dict(BATCHES)
    steps = list(_steps(node))
    for _ in range(MESSAGE + 1):  # a name may be taken from one that is bound further down
        for target, source, down in steps:
            names |= _bound(target, source, down, names)
    return any(_read_of(each, names) == MESSAGE for each in ast.walk(node))


def _steps(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, int]]:
    """What is bound, what to, and whether that is an element of it (1) or itself (0)."""
    for each in ast.walk(node):
        if isinstance(each, ast.For | ast.AsyncFor | ast.comprehension):
            yield each.target, each.iter, 1
        elif isinstance(each, ast.Assign):
            yield each.targets[0], each.value, 0
        elif isinstance(each, ast.Call) and _called(each) == "map":
            function = next(iter(each.args), None)
            names = function.args.args if isinstance(function, ast.Lambda) else []
            yield from ((ast.Name(name.arg), source, 1) for name, source in zip(names, each.args[1:], strict=False))


def _bound(target: ast.expr, source: ast.expr, down: int, names: Mapping[str, int]) -> dict[str, int]:
    """The names in `target` that stand for a part of the batch, and how deep."""
    if isinstance(target, ast.Name):
        depth = _depth(source, names)
        return {} if depth is None or target.id in BATCHES else {target.id: depth + down}
    if isinstance(source, ast.Call) and isinstance(target, ast.Tuple) and _called(source) in ("zip", "enumerate"):
        places = target.elts[1:] if _called(source) == "enumerate" else target.elts
        each = zip(places, source.args, strict=False)
        return {name: depth for place, part in each for name, depth in _bound(place, part, down, names).items()}
    return {}


def _depth(node: ast.expr, names: Mapping[str, int]) -> int | None:
    """How deep an expression stands; None where it is no part of the batch."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Subscript):
        above = _depth(node.value, names)
        return None if above is None or _is_text(node.slice) else above + (not isinstance(node.slice, ast.Slice))
    return None


def _read_of(node: ast.AST, names: Mapping[str, int]) -> int | None:
    """How deep that stands whose `content` this reads; None where it reads none."""
    if isinstance(node, ast.Subscript):
        message, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        message, key = node.func.value, node.args[0]
    else:
        return None
    return _depth(message, names) if isinstance(key, ast.Constant) and key.value == "content" else None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""
