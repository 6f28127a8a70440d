"""Tests of programs: what of them enters the sandbox, and what stays outside to be compared there.

A program and what is asked of it share a process, so the program could claim that a test passed. It cannot where the
wanted value stays outside: `asked` takes the tests apart (`statements.py`, then each assertion in `split.py`) and
`passed` evaluates what the program gave (`outside.py`). A test that cannot be taken apart trusts the program, and says
so.
"""

from workers.engine.asserting.looks import Asked
from workers.engine.asserting.statements import asked
from workers.engine.asserting.verdicts import passed, value_of

__all__ = ["Asked", "asked", "passed", "value_of"]
