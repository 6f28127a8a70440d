"""`python3 -m labapp.install [dev]`: make .venv and install the pinned packages, if anything is to do.

Runs before anything is installed, so it uses the standard library only.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
FILES = {"run": ["requirements.txt"], "dev": ["requirements.txt", "requirements-dev.txt"]}

# What pip says, and what a person can do about it; the first that matches is shown.
MENDS = (
    (r"No space left|Disk quota",
     "the disk is full: free some space (torch needs several GB), then run make again"),
    (
        r"(gcc|cc|clang|c\+\+|cl\.exe)[^\n]*(failed|not found|No such file)|Visual C\+\+|Failed building wheel",
        "a package has no ready-made wheel for this system and no compiler was found: install one "
        "(Debian: apt-get install build-essential python3-dev), or use Python 3.11 on x86-64 or arm64 Linux or macOS",
    ),
    (r"name resolution|ConnectionError|Connection refused|timed out|Network is unreachable|Failed to establish",
     "the packages cannot be fetched: check the network and PIP_INDEX_URL, then run make again"),
    (r"No matching distribution|Could not find a version",
     "a pinned package does not exist for this Python or system: use Python 3.11 on x86-64 or arm64 Linux or macOS"),
    (r"Permission denied|Read-only file system", "the checkout cannot be written to: check who owns it"),
)  # fmt: skip


def mend_of(output: str) -> str:
    """One line that says what went wrong in pip's output and what to do."""
    for pattern, words in MENDS:
        if re.search(pattern, output, re.IGNORECASE):
            return words
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    return errors[-1] if errors else "pip failed without saying why"


def digest_of(kind: str) -> str:
    """What must be unchanged for the installation to be taken as done."""
    parts = [sys.version, *((ROOT / name).read_text() for name in FILES[kind])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def install(kind: str) -> str | None:
    """Make .venv and install; None when all is well, else one line for a person."""
    if tuple(sys.version_info) < OLDEST:
        return f"Python {sys.version.split()[0]} is too old: install 3.11 and run make again with PYTHON=python3.11"
    python = VENV / "bin" / "python"
    stamp = VENV / f"installed-{kind}"
    if python.exists() and stamp.exists() and stamp.read_text() == digest_of(kind):
        return None
    if not python.exists():
        print("Making .venv", flush=True)
        trouble = _run([sys.executable, "-m", "venv", str(VENV)])
        if trouble is not None:
            return (
                "this Python has no venv: apt-get install python3-venv" if "ensurepip" in trouble else mend_of(trouble)
            )
    print("Installing packages; the first time takes a few minutes", flush=True)
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    trouble = _run([*command, "-r", str(ROOT / FILES[kind][-1])])
    if trouble is not None:
        return mend_of(trouble)
    stamp.write_text(digest_of(kind))
    return None


def _run(command: list[str]) -> str | None:
    """Run, showing one moving line of progress; None when it went well, else all that was said."""
    said = []
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        said.append(line)
        word = re.match(r"\s*(Collecting|Downloading|Using cached|Building wheel|Installing collected)\s*(\S*)", line)
        if word:
            print(f"  {word[1].lower()} {word[2]}"[:100], flush=True)
    return None if running.wait() == 0 else "".join(said)


def main() -> int:
    """0 when the packages are there."""
    try:
        trouble = install(sys.argv[1] if len(sys.argv) > 1 else "run")
    except OSError as error:
        trouble = mend_of(str(error))
    if trouble is not None:
        print(f"Merit cannot be installed: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
