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
}


@cache
def installed() -> tuple[str, ...]:
    """Those of LIBRARIES that are installed; found, not imported."""
    return tuple(name for name in LIBRARIES if _home(name) is not None)


@cache
def directories() -> tuple[str, ...]:
    """The directories of the installed ones, with the shared objects and metadata that belong to them."""
    found: list[str] = []
    for name in installed():
        home = _home(name)
        assert home is not None
        for pattern in (name, f"{name}.libs", f"{LIBRARIES[name]}-*.dist-info"):
            found.extend(str(path) for path in home.glob(pattern))
    return tuple(found)


def _home(name: str) -> Path | None:
    spec = find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent
