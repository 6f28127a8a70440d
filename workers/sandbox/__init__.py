"""The sandbox: users' reward functions, scored in a walled process of their own. Nothing here runs users' code itself.

    with Scorer(source) as scorer:
        scores = scorer.score(answers)

Reading order for an audit: `walls.py` (which walls, in which order), `landlock.py`, `seccomp.py`, `child.py` and
`called.py` (the inside), `process.py` and `channel.py` (the outside), `results.py` (what comes out). SQL and programs
that a policy wrote: `crew.py` (the outside), `forker.py` (the inside, which makes a process for each), then
`drivers.py`, `run_queries.py`, `read_query.py` and `run_programs.py` (the work itself).
"""

from workers.sandbox.check import Mark, Signature, check, read_signature
from workers.sandbox.records import Limits, SandboxFault, SandboxUnavailable, Scores
from workers.sandbox.scorer import Scorer

__all__ = [
    "Limits", "Mark", "SandboxFault", "SandboxUnavailable", "Scorer", "Scores", "Signature", "check", "read_signature",
]  # fmt: skip
