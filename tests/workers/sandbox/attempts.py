"""Runs the attempts of `escapes.py`; also as a program, so that another user can: `python attempts.py TARGETS`.

Imports the standard library and the sandbox only: the other user's interpreter has nothing else.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.workers.sandbox import escapes, rarer  # noqa: E402
from workers.contract.answers import Answers  # noqa: E402
from workers.sandbox import Scorer  # noqa: E402

HARMLESS = escapes.HARMLESS | rarer.HARMLESS
ATTEMPTS = HARMLESS | escapes.OTHERS | rarer.OTHERS
INSIDE = """
def reward(completions):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__, error)
        return [0.0]
    return [1.0]
"""


def answers(*texts: str, **columns: list[object]) -> Answers:
    """Completions with one prompt."""
    count = len(texts)
    held = {name: tuple(column) for name, column in columns.items()}
    return Answers(texts, ("p",) * count, (1,) * count, ("finished",) * count, held)


def source(name: str, targets: dict[str, object]) -> str:
    """An attempt as a function of its own."""
    return "import os, sys\n\ndef attempt():\n    " + ATTEMPTS[name].format_map(targets) + "\n"


def place() -> dict[str, object]:
    """A directory in which everyone may do everything, so that only the sandbox can refuse it."""
    home = Path(tempfile.mkdtemp(prefix="merit-escape-"))
    home.chmod(0o777)
    for name in ("secret", "short"):
        (home / name).write_text("known only here\n")
        (home / name).chmod(0o666)
    return {"place": home, "secret": home / "secret", "root": ROOT}


def inside(name: str, targets: dict[str, object]) -> tuple[bool, str]:
    """Whether the attempt got out of the sandbox, and what it was told."""
    with Scorer(source(name, targets) + INSIDE) as scorer:
        scores = scorer.score(answers("x"))
    return scores.values != [0.0], scores.output + " ".join(fault.what for fault in scores.faults)


def outside(name: str, targets: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """The same attempt in a plain interpreter."""
    code = source(name, targets) + "\nif __name__ == '__main__':\n    attempt()\n"
    home = str(targets["place"])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=home)


if __name__ == "__main__":
    print(json.dumps({name: inside(name, json.loads(sys.argv[1])) for name in ATTEMPTS}))
