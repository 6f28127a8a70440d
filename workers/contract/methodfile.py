"""Reads one method file as text: nothing is imported, nothing is executed.

Only literals and the words of `card.py` are evaluated; whatever else stands in their place is refused with its line.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from workers.contract.card import WORDS, Card, Choice, Flag, Real, Text, Whole
from workers.contract.kinds import Kind
from workers.contract.limits import Param, problem_with
from workers.contract.method import Method, MethodError


def read_method(path: Path, kind: Kind) -> Method:
    """Read one file; MethodError says what is missing and where."""
    source = path.read_text()
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise MethodError(f"{path.name}:{error.lineno}: {error.msg}") from None
    doc = ast.get_docstring(tree)
    if not doc:
        raise MethodError(f"{path.name}: a method file starts with a docstring that says its purpose")
    function = _function(tree, kind, path)
    card = _card(tree, path)
    needs, params = _needs(function, kind, path), tuple(_params(function, path))
    return Method(kind.name, path.stem, path, doc, card, needs, params, source)


def _function(tree: ast.Module, kind: Kind, path: Path) -> ast.FunctionDef:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == kind.function:
            return node
    raise MethodError(f"{path.name}: a file in {kind.name}/ defines the function {kind.function}(...)")


def _card(tree: ast.Module, path: Path) -> Card:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "CARD" for t in node.targets):
            card = evaluate(node.value, path)
            if isinstance(card, Card):
                return card
    raise MethodError(f"{path.name}: a method file has CARD = Card(...)")


def _needs(function: ast.FunctionDef, kind: Kind, path: Path) -> tuple[str, ...]:
    given = function.args
    if given.vararg is not None or given.kwarg is not None or given.defaults:
        what = "before the star stand data without defaults, after it parameters with names"
        raise MethodError(f"{path.name}:{function.lineno}: {what}")
    needs = given.posonlyargs + given.args
    for arg in needs:
        if arg.arg not in kind.data:
            allowed = ", ".join(kind.data)
            raise MethodError(f"{path.name}:{arg.lineno}: {arg.arg!r} cannot be asked for; allowed: {allowed}")
    return tuple(arg.arg for arg in needs)


def _params(function: ast.FunctionDef, path: Path) -> Iterator[Param]:
    for arg, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        note = arg.annotation
        if not (isinstance(note, ast.Subscript) and isinstance(note.slice, ast.Tuple) and len(note.slice.elts) == 3):
            raise MethodError(f"{path.name}:{arg.lineno}: {arg.arg} needs Annotated[type, limit, words]")
        limit, words = evaluate(note.slice.elts[1], path), evaluate(note.slice.elts[2], path)
        if not isinstance(limit, Real | Whole | Choice | Flag | Text) or not isinstance(words, str):
            raise MethodError(f"{path.name}:{arg.lineno}: {arg.arg} needs a limit of card.py and words for the form")
        param = Param(arg.arg, limit, words, None if default is None else evaluate(default, path))
        problem = None if default is None else problem_with(param, param.default)
        if problem is not None:
            raise MethodError(f"{path.name}:{arg.lineno}: {problem}")
        yield param


def evaluate(node: ast.expr, path: Path) -> object:
    """The value of a literal or of a word of `card.py`; anything else is a MethodError."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORDS:
        return _word(node, WORDS[node.func.id], path)
    if isinstance(node, ast.Tuple):
        return tuple(evaluate(item, path) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [evaluate(key, path) for key in node.keys if key is not None]
        return dict(zip(keys, (evaluate(value, path) for value in node.values), strict=True))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise MethodError(f"{path.name}:{node.lineno}: only literals and the words of card.py may stand here") from None


def _word(node: ast.Call, word: type, path: Path) -> object:
    """One of the words of `card.py` with its arguments, which are literals or words again."""
    arguments = [evaluate(arg, path) for arg in node.args]
    named = {keyword.arg: evaluate(keyword.value, path) for keyword in node.keywords if keyword.arg is not None}
    try:
        made: object = word(*arguments, **named)
    except TypeError as error:
        raise MethodError(f"{path.name}:{node.lineno}: {word.__name__}(...): {error}") from None
    return made
