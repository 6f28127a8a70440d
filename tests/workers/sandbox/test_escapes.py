"""Every attempt to get out is refused: as root, who drops it first, and as an ordinary user."""

import json
import os
import platform
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.workers.sandbox import attempts, escapes

X86 = platform.machine() == "x86_64"
ORDINARY_PYTHON = "/usr/bin/python3.11"
NOBODY = 65534


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def targets() -> Iterator[dict[str, Any]]:
    """What there is to reach: files that everyone may read and write, and servers that everyone may call."""
    found: dict[str, Any] = attempts.place()
    path = f"{found['place']}/socket"
    servers = [
        HTTPServer(("127.0.0.1", 0), _Page),
        socketserver.UnixStreamServer(path, socketserver.BaseRequestHandler),
    ]
    Path(path).chmod(0o666)
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found | {"socket": path, "port": servers[0].server_address[1]}
    for server in servers:
        server.shutdown()
        server.server_close()
    shutil.rmtree(found["place"])


def _meant_for_this_machine(name: str) -> None:
    if not X86 and escapes.SYSCALL in attempts.ATTEMPTS[name]:
        pytest.skip("the attempt's numbers are those of x86-64")


@pytest.mark.parametrize("name", attempts.ATTEMPTS)
def test_attempt_is_refused(name: str, targets: dict[str, Any]) -> None:
    _meant_for_this_machine(name)
    escaped, told = attempts.inside(name, targets)
    assert not escaped, told
    if escapes.SYSCALL in attempts.ATTEMPTS[name]:
        assert told.startswith("PermissionError"), told  # by the wall, not because its arguments are wrong
    assert Path(targets["secret"]).read_text() == "known only here\n"
    assert {path.name for path in Path(targets["place"]).iterdir()} == {"secret", "short", "socket"}


@pytest.mark.parametrize("name", attempts.HARMLESS)
def test_attempt_works_outside(name: str, targets: dict[str, Any]) -> None:
    """What fails everywhere would show nothing about the walls."""
    _meant_for_this_machine(name)
    run = attempts.outside(name, targets)
    assert run.returncode == 0, run.stderr


def test_an_attempt_that_gets_out_is_seen(targets: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attempts.ATTEMPTS, "do what is allowed", "import json; json.loads('1')")
    escaped, _ = attempts.inside("do what is allowed", targets)
    assert escaped


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests above ran as an ordinary user")
@pytest.mark.skipif(not Path(ORDINARY_PYTHON).exists() or not X86, reason="no interpreter that others may run")
def test_attempts_are_refused_for_an_ordinary_user(targets: dict[str, Any]) -> None:
    """No root to drop: the child has the user of its parent, and only the walls stand between them."""
    run = subprocess.run(
        [ORDINARY_PYTHON, "-B", attempts.__file__, json.dumps(targets, default=str)],
        capture_output=True, text=True, timeout=250, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert set(found) == set(attempts.ATTEMPTS)
    assert {name: told for name, (escaped, told) in found.items() if escaped} == {}
