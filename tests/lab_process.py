"""A whole lab in a process of its own, as a person starts it, for integration and browser tests."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(http://\S+/accounts/local/\S+)")
FOREIGN = (
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "MERIT_PROCESS",
    "ALLOWED_HOSTS",
)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Lab:
    """A lab that runs, or ran: its process, home, port, and all it printed."""

    process: "subprocess.Popen[str]"
    home: Path
    port: int
    output: Path

    @property
    def url(self) -> str:
        """Address without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.output.read_text()

    def link(self, within: float = 90.0) -> str:
        """The sign-in link; waits for it, and fails with what was printed when the lab ends first."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = LINK.search(self.said)
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the lab printed no link within {within} s:\n{self.said}")

    def new_link(self) -> str:
        """A further sign-in link, as `make link` gives it."""
        command = [sys.executable, "manage.py", "link"]
        environment = environment_of(self.home, self.port)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def environment_of(home: Path, port: int, **more: str) -> dict[str, str]:
    """The environment of a lab in `home`, without what belongs to the tests' own lab."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**kept, "MERIT_HOME": str(home), "PORT": str(port), "OMP_NUM_THREADS": "1", **more}


def start(home: Path | None = None, port: int | None = None, more: Mapping[str, str] | None = None) -> Lab:
    """Start a lab in `home` (a new temporary directory by default) and return at once."""
    home = home or Path(tempfile.mkdtemp(prefix="merit-live-"))
    port = port or free_port()
    home.mkdir(parents=True, exist_ok=True)
    output = home.parent / f"{home.name}.{time.monotonic_ns()}.out"
    with output.open("w") as writing:
        process = subprocess.Popen(
            [sys.executable, "-m", "labapp.start"], cwd=ROOT, env=environment_of(home, port, **(more or {})),
            stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    return Lab(process, home, port, output)
