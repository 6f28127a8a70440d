"""The house rules that a reader of code can check: each takes the project's root and lists what breaks it."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from statistics import median, quantiles

from workers.contract.events import METRICS
from workers.contract.kinds import KINDS

ROOMS = ("labapp", "workers")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[Path], list[str]]
LONGEST_FILE, LONGEST_FUNCTION = 300, 60
# Median and 90th percentile of files and of functions, in lines.
FILE_TARGET, FUNCTION_TARGET = (70, 160), (10, 30)
MOST_IGNORES = 5
FORBIDDEN_NAMES = ("utils", "util", "common", "base", "helpers", "misc")
# Where a failure of any kind becomes a row with a place and a sentence; nowhere else is everything caught. The
# sandbox's child is the third: users' code may raise anything, SystemExit too, and the child must live to tell.
BOUNDARIES = ("workers/engine/boundary.py", "workers/door/", "workers/sandbox/child.py")
METHOD_MAY_IMPORT = (
    "workers.contract", "workers.tasks.parts", "workers.engine.tensors", "workers.engine.masks", "workers.engine.tree",
    "torch", "math_verify", "regex", "sqlglot", "rapidfuzz", "jsonschema", "referencing", "__future__",
)  # fmt: skip


def sources(root: Path, rooms: Collection[str] = ROOMS) -> Iterator[tuple[str, str]]:
    """Every Python file of the rooms as (path from the root, text), migrations left out."""
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_text()


def functions(text: str) -> Iterator[Function]:
    """Every function of a file, methods and inner ones included."""
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, FUNCTIONS))


def length(function: Function) -> int:
    """Lines from `def` to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def methods_without_tests(root: Path) -> list[str]:
    """Methods that have no test file of their own."""
    return [
        f"{kind.name}/{path.stem}"
        for kind in KINDS.values()
        for path in sorted((root / "workers" / kind.name).rglob("*.py"))
        if f"\ndef {kind.function}(" in path.read_text()
        and not (root / "tests" / "workers" / kind.name / f"test_{path.stem}.py").exists()
    ]


def tests_without_methods(root: Path) -> list[str]:
    """Test files in a kind's folder whose method (or helper beside it) is gone."""
    return [
        f"tests/workers/{kind}/{path.name}"
        for kind in KINDS
        for path in sorted((root / "tests" / "workers" / kind).glob("test_*.py"))
        if not any((root / "workers" / kind).rglob(f"{path.stem.removeprefix('test_')}.py"))
    ]


def undocumented(root: Path) -> list[str]:
    """Modules, public classes and public functions without a docstring."""
    found = []
    for path, text in sources(root):
        tree = ast.parse(text)
        if tree.body and not ast.get_docstring(tree):
            found.append(path)
        found += [f"{path}:{node.lineno} {node.name}" for node in _public(tree) if not ast.get_docstring(node)]
    return found


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes, and theirs; a model's Meta and what a framework calls by a dunder are none."""
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_") and node.name != "Meta":
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def unknown_letters(root: Path) -> list[str]:
    """Names that end in shape letters which the legend does not have."""
    legend = set(re.findall(r"\| `([A-Z])` \|", (root / "workers" / "contract" / "letters.md").read_text()))
    found = set()
    for path, text in sources(root, ("workers",)):
        for node in ast.walk(ast.parse(text)):
            name = _name(node)
            axes = re.fullmatch(r"[a-z][a-z0-9_]*_([A-Z][A-Z0-9]*)", name)
            if axes and set(re.sub("[0-9]", "", axes[1])) - legend:
                found.add(f"{path} {name}")
    return sorted(found)


def _name(node: ast.AST) -> str:
    for field in ("id", "arg", "attr"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            return value
    return ""


def too_long(root: Path) -> list[str]:
    """Files over 300 lines and functions over 60, in the tests too."""
    found = []
    for path, text in sources(root, (*ROOMS, "tests")):
        lines = len(text.splitlines())
        if lines > LONGEST_FILE:
            found.append(f"{path} {lines}")
        found += [
            f"{path}:{function.lineno} {function.name} {length(function)}"
            for function in functions(text)
            if length(function) > LONGEST_FUNCTION
        ]
    return found


def heavy(root: Path) -> list[str]:
    """Where median or 90th percentile of files or functions lie above their targets."""
    texts = [text for _, text in sources(root) if text.strip()]
    files = [len(text.splitlines()) for text in texts]
    sizes = [length(function) for text in texts for function in functions(text)]
    found = []
    for name, values, (middle, high) in (("files", files, FILE_TARGET), ("functions", sizes, FUNCTION_TARGET)):
        ninetieth = quantiles(values, n=10)[-1] if len(values) > 1 else max(values, default=0)
        if values and (median(values) > middle or ninetieth > high):
            found.append(f"{name}: median {median(values):g} of {middle}, 90th {ninetieth:g} of {high}")
    return found


def nameless_rooms(root: Path) -> list[str]:
    """Modules or folders called utils, common, base and the like: a helper lives in the room that uses it."""
    paths = [path for path, _ in sources(root, (*ROOMS, "tests"))]
    return [path for path in paths if set(path.removesuffix(".py").split("/")) & set(FORBIDDEN_NAMES)]


def ignores(root: Path) -> list[str]:
    """Every comment that switches the type checker off."""
    found = []
    for path, text in sources(root, (*ROOMS, "tests")):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and re.search(r"type:\s*ignore", token.string):
                found.append(f"{path}:{token.start[0]}")
    return found


def broad_excepts(root: Path) -> list[str]:
    """Handlers of everything outside the two boundaries, and bare ones anywhere; who tidies and raises on may stay."""
    found = []
    for path, text in sources(root):
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else set()
            passes_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            broad = bool(caught & {"Exception", "BaseException"}) and not path.startswith(BOUNDARIES) and not passes_on
            if broad or node.type is None:
                found.append(f"{path}:{node.lineno}")
    return found


def named_methods(root: Path) -> list[str]:
    """Places where the engine names a method, by text or by import. Words that also name a metric may stand, and the
    names of combinations, which are ordinary words (sum, clip), where no kind stands before them."""
    addresses = {
        f"{kind.name}/{path.stem}"
        for kind in KINDS.values()
        for path in (root / "workers" / kind.name).rglob("*.py")
        if f"\ndef {kind.function}(" in path.read_text()
    }
    names = {one.rpartition("/")[2] for one in addresses} - set(METRICS)
    telling = {one.rpartition("/")[2] for one in addresses if not one.startswith("combining/")} - set(METRICS)
    found = []
    for path, text in sources(root, ("workers/engine",)):
        found += [
            f"{path}:{line} {words}"
            for line, words in _texts(text)
            if words in addresses or words.rpartition("/")[2] in telling
        ]
        found += [f"{path}:{line} {name}" for line, name in _imports(text) if _is_method(name, names)]
    return found


def _texts(text: str) -> Iterator[tuple[int, str]]:
    """Every text constant of a file with its line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _is_method(module: str, names: set[str]) -> bool:
    parts = module.split(".")
    return len(parts) > 2 and parts[0] == "workers" and parts[1] in KINDS and parts[2] in names


def _imports(text: str) -> Iterator[tuple[int, str]]:
    """Every import of a file as (line, module.name)."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def strange_imports(root: Path) -> list[str]:
    """What a method imports beyond the standard library, the contract, tensors, masks, torch and light libraries."""
    mine = tuple(f"{name}." for name in METHOD_MAY_IMPORT)
    return [
        f"{path}:{line} {name}"
        for path, text in _method_files(root)
        for line, name in _imports(text)
        if name.split(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith(mine)
    ]


def plain_means(root: Path) -> list[str]:
    """Means and deviations that a method takes without the mask: `masks.py` has the right ones."""
    return [
        f"{path}:{node.lineno}"
        for path, text in _method_files(root)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        if node.attr in ("mean", "std", "var", "nanmean")
    ]


def _method_files(root: Path) -> Iterator[tuple[str, str]]:
    for kind in KINDS.values():
        for path, text in sources(root, (f"workers/{kind.name}",)):
            if f"\ndef {kind.function}(" in text:
                yield path, text
