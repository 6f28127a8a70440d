"""A real web process on a free port, and people with cookies, for tests and benches that go over the network."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def web(environment: Mapping[str, str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A web process that answers on `port`; it is killed at the end if it still lives."""
    command = [
        sys.executable, "-m", "uvicorn", "labapp.asgi:application", "--port", str(port), "--loop", "asyncio",
        "--log-level", "warning", "--lifespan", "off",
    ]  # fmt: skip
    settings = {**os.environ, **environment, "MERIT_PROCESS": "web", "DJANGO_SETTINGS_MODULE": "labapp.settings"}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=out)
    try:
        _await(process, port, log)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def cookie_of(email: str) -> str:
    """The Cookie header of a browser in which the user of that address is signed in."""
    from django.conf import settings
    from django.test import Client

    from labapp.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=email), backend="allauth.account.auth_backends.AuthenticationBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the web process does not answer: {log.read_text()[-2000:]}")
