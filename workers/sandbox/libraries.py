"""The libraries that a reward may import beside the standard library, and where they lie on this machine."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Name of the package, and of its distribution where that differs (its metadata is read by some on import).
LIBRARIES = {
    "numpy": "numpy",
    "sympy": "sympy",
    "mpmath": "mpmath",
    "regex": "regex",
    "math_verify": "math_verify",
    "latex2sympy2_extended": "latex2sympy2_extended",
    "antlr4": "antlr4_python3_runtime",
    "rapidfuzz": "rapidfuzz",
    "sqlglot": "sqlglot",
    "duckdb": "duckdb",
    "_duckdb": "duckdb",  # what it is made of
}


@cache
def installed() -> tuple[str, ...]:
    """Those of LIBRARIES that are installed; found, not imported."""
    return tuple(name for name in LIBRARIES if not name.startswith("_") and find_spec(name) is not None)


@cache
def directories() -> tuple[str, ...]:
    """The directories of the installed ones, with the shared objects and metadata that belong to them."""
    found: list[str] = []
    for name in LIBRARIES:
        home = _home(name)
        for pattern in (name, f"{name}.libs", f"{name}.*.so", f"{LIBRARIES[name]}-*.dist-info"):
            found.extend(str(path) for path in (home.glob(pattern) if home is not None else ()))
    return tuple(dict.fromkeys(found))


def _home(name: str) -> Path | None:
    """Where a package or a single shared object lies."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    parent = Path(spec.origin).resolve().parent
    return parent if spec.submodule_search_locations is None else parent.parent
