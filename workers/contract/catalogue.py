"""Reads every method from its file as text: nothing is imported, nothing is executed.

Only literals and the words of `card.py` are evaluated. Web and workers each read the catalogue and compare digests.
"""

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workers.contract.card import WORDS, Card, Choice, Flag, Limit, Real, Text, Whole
from workers.contract.kinds import KINDS, Kind

ROOT = Path(__file__).resolve().parent.parent


class MethodError(ValueError):
    """A method file that breaks the form; the message names the file and the line."""


@dataclass(frozen=True)
class Param:
    """One thing that a person may set: its name, limit, words for the form, and default (None: must be given)."""

    name: str
    limit: Limit
    words: str
    default: object


@dataclass(frozen=True)
class Method:
    """One method as its file tells it. `needs` are the data arguments; `source` the file's whole text."""

    kind: str
    name: str
    path: Path
    doc: str
    card: Card
    needs: tuple[str, ...]
    params: tuple[Param, ...]
    source: str

    @property
    def address(self) -> str:
        """`kind/name`, as in the library's URLs."""
        return f"{self.kind}/{self.name}"

    @property
    def purpose(self) -> str:
        """The first sentence of the docstring."""
        return self.doc.strip().split("\n\n")[0].replace("\n", " ")

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with any change of the file."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]

    def defaults(self) -> dict[str, object]:
        """Every parameter's default."""
        return {param.name: param.default for param in self.params}


@dataclass(frozen=True)
class Catalogue:
    """All methods by `kind/name`."""

    methods: Mapping[str, Method]

    @cached_property
    def digest(self) -> str:
        """One digest of all files: web and worker must agree on it before a run is launched."""
        lines = "".join(f"{address}:{method.digest}\n" for address, method in sorted(self.methods.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:12]

    def of(self, kind: str) -> list[Method]:
        """The methods of one kind, by title."""
        return sorted((m for m in self.methods.values() if m.kind == kind), key=lambda m: m.card.title)

    def get(self, kind: str, name: str) -> Method:
        """One method; MethodError lists the names there are when it is unknown."""
        method = self.methods.get(f"{kind}/{name}")
        if method is None:
            known = ", ".join(m.name for m in self.of(kind)) or "none"
            raise MethodError(f"there is no {kind} method {name!r}; known: {known}")
        return method


def read_catalogue(root: Path = ROOT) -> Catalogue:
    """Read all method files under `root` (the `workers` folder); MethodError for the first that breaks the form."""
    methods: dict[str, Method] = {}
    for kind in KINDS.values():
        for path in method_files(root, kind):
            method = read_method(path, kind)
            if method.address in methods:
                raise MethodError(f"{method.address} is defined twice: {methods[method.address].path} and {path}")
            methods[method.address] = method
    return Catalogue(methods)


def method_files(root: Path, kind: Kind) -> Iterator[Path]:
    """The files of one kind that hold a method, in name order: those that define the kind's function."""
    for path in sorted((root / kind.name).rglob("*.py")):
        if path.name != "__init__.py" and f"\ndef {kind.function}(" in path.read_text():
            yield path


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


def problem_with(param: Param, value: object) -> str | None:
    """Why `value` may not be this parameter's, as a sentence; None when it may."""
    limit = param.limit
    if isinstance(limit, Flag):
        return None if isinstance(value, bool) else f"{param.name} is yes or no, not {value!r}"
    if isinstance(limit, Choice):
        return None if value in limit.options else f"{param.name} is one of {', '.join(limit.options)}, not {value!r}"
    if isinstance(limit, Text):
        return _text_problem(param.name, limit, value)
    return _number_problem(param.name, limit, value)


def _text_problem(name: str, limit: Text, value: object) -> str | None:
    if not isinstance(value, str):
        return f"{name} is text, not {value!r}"
    if not value and not limit.empty:
        return f"{name} may not be empty"
    if len(value) > limit.longest:
        return f"{name} has {len(value)} characters; at most {limit.longest}"
    return _pattern_problem(name, value) if limit.pattern else None


def _pattern_problem(name: str, value: str) -> str | None:
    try:
        re.compile(value)
    except re.error as error:
        return f"{name} is not a regular expression: {error}"
    return None


def _number_problem(name: str, limit: Real | Whole, value: object) -> str | None:
    whole = isinstance(limit, Whole)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return f"{name} is a {'whole ' if whole else ''}number, not {value!r}"
    if value != value or value in (float("inf"), float("-inf")):
        return f"{name} must be finite"
    open_low, open_high = getattr(limit, "open_low", False), getattr(limit, "open_high", False)
    if limit.low is not None and (value < limit.low or (open_low and value == limit.low)):
        return f"{name} must be {'more than' if open_low else 'at least'} {limit.low}, not {value}"
    if limit.high is not None and (value > limit.high or (open_high and value == limit.high)):
        return f"{name} must be {'less than' if open_high else 'at most'} {limit.high}, not {value}"
    return None
