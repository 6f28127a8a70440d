"""What a crew can do: each kind of work by name, with what it needs imported, so that every forked process has it."""

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

Work = Callable[[dict[str, Any]], dict[str, Any]]
# "libraries" are programs that name one of the allowed libraries: who names none need not copy them with each fork.
WORKS = {"sqlite": "run_queries", "duckdb": "run_queries", "programs": "run_programs", "libraries": "run_programs"}


def work_of(name: str) -> ModuleType:
    """Who does the work of this name; the lab's own modules can be imported before the walls only."""
    return import_module(f"workers.sandbox.{WORKS[name]}")


def prepared(name: str, module: ModuleType) -> Work:
    """What does a piece; called inside the walls, where nothing of the lab is left to be found afterwards."""
    work: Work = module.run
    for needed in module.needed(name):
        import_module(needed)
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "workers"]:
        del sys.modules[loaded]
    sys.argv = sys.orig_argv = ["merit"]
    gc.freeze()  # what is forked shares these pages for longer
    return work


def get_ready(libraries: list[str]) -> None:
    """Import the libraries that the lab says some pieces name: once, where each process would do so again."""
    missing = [name for name in libraries if name not in sys.modules]
    for name in missing:
        with suppress(ImportError):
            import_module(name)
    if missing:
        gc.freeze()
