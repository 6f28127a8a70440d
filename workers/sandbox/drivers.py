"""What a crew can do: each kind of work by name, with what it needs imported, so that every forked process has it."""

import gc
import sys
from collections.abc import Callable
from typing import Any

from workers.sandbox import run_programs, run_queries

Work = Callable[[dict[str, Any]], dict[str, Any]]


WORKS: dict[str, Work] = {"sqlite": run_queries.run, "duckdb": run_queries.run, "programs": run_programs.run}


def prepared(name: str) -> Work:
    """The work of this name; called inside the walls, where nothing of the lab is left to be found afterwards."""
    if name != "programs":
        run_queries.prepare(name)
    for module in [module for module in sys.modules if module.partition(".")[0] == "workers"]:
        del sys.modules[module]
    sys.argv = sys.orig_argv = ["merit"]
    gc.freeze()  # what is forked shares these pages for longer
    return WORKS[name]
