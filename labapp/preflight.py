"""What is looked at before anything is started: home, lock, port, given servers; each trouble is one line."""

import errno
import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import TextIO

from labapp.places import ROOM, Trouble

ROOT = Path(__file__).resolve().parent.parent
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = os.environ.get("PORT", "8000")


def ready_home() -> Path:
    """MERIT_HOME, made, writable and with room; raises Trouble."""
    home = Path(os.environ.get("MERIT_HOME", ROOT / ".merit")).expanduser().absolute()
    mend = "set MERIT_HOME to a directory you may write to"
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Trouble(full_disk(home)) from error
        raise Trouble(f"{home} cannot be written to ({error.strerror}): {mend}") from error
    if shutil.disk_usage(home).free < ROOM:
        raise Trouble(full_disk(home))
    return home


def full_disk(home: Path) -> str:
    """The line about a full disk."""
    free, room = shutil.disk_usage(home).free // 2**20, ROOM // 2**20
    mend = "free some space, or set MERIT_HOME to another disk"
    return f"the disk of {home} is full ({free} MB free, {room} MB needed): {mend}"


def hold(home: Path) -> TextIO:
    """The lock of this home, held until the process ends; raises Trouble when another lab holds it."""
    lock = (home / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        where = lock.read().strip()
        mend = "stop it first, or set MERIT_HOME for a second one"
        raise Trouble(f"a lab already runs from {home}{' at ' + where if where else ''}: {mend}") from error
    lock.truncate(0)
    lock.write(f"http://{HOST}:{PORT}\n")
    lock.flush()
    return lock


def check_port() -> None:
    """Raise Trouble when PORT is no port, taken, or not ours to take."""
    if not PORT.isdecimal() or not 0 < int(PORT) < 65536:
        raise Trouble(f"PORT={PORT} is no port: give a number from 1 to 65535")
    family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(PORT)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Trouble(
                    f"port {PORT} is taken by another program: PORT={int(PORT) % 65535 + 1} make run"
                ) from error
            raise Trouble(f"{HOST}:{PORT} cannot be used ({error.strerror}): set HOST and PORT") from error


def see_given() -> None:
    """Raise Trouble when a given server does not answer."""
    import psycopg
    import redis

    if "DATABASE_URL" in os.environ:
        try:
            psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5).close()
        except psycopg.Error as error:
            raise Trouble(
                f"the PostgreSQL of DATABASE_URL does not answer: {str(error).strip().splitlines()[-1]}"
            ) from error
    if "REDIS_URL" in os.environ:
        try:
            redis.Redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=5).ping()
        except (redis.RedisError, ValueError) as error:
            raise Trouble(f"the Redis of REDIS_URL does not answer: {error}") from error
