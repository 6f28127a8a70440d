"""The sandbox: users' reward functions, scored in a walled process of their own. Nothing here runs users' code itself.

    with Scorer(source) as scorer:
        scores = scorer.score(answers)

Reading order for an audit: `walls.py` (which walls, in which order), `landlock.py`, `seccomp.py`, `child.py` and
`called.py` (the inside), `process.py` and `channel.py` (the outside), `results.py` (what comes out). SQL and programs
that a policy wrote: `crew.py` (the outside), `forker.py` (the inside, which makes a process for each), `apart.py`, then
`drivers.py`, `run_queries.py`, `read_query.py` and `run_programs.py` (the work itself).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.sandbox.records import Limits, SandboxFault, SandboxUnavailable, Scores
    from workers.sandbox.scorer import Scorer

__all__ = ["Limits", "SandboxFault", "SandboxUnavailable", "Scorer", "Scores"]


def __getattr__(name: str) -> Any:
    """What is listed above, imported when it is asked for: the inside imports this package too, needs none of it, and
    every process that a crew forks would copy it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'scorer' if name == 'Scorer' else 'records'}"), name)
